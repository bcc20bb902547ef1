// A file of a request as edits, whatever its layout: laid on disk for as long as it is read.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, sep } from 'node:path';
import { type DatasetReading, type DatasetRequest, type Edit, ErrataError, textLimits } from '@errata/contracts';

const namedRejections = 100;

/**
 * @throws ErrataError `unknown_layout`, `unreadable_dataset`; `invalid_edits` for a data set of something else than edits
 */
export async function readDatasetOf({
  name,
  content,
  encoding = 'text',
  layout,
}: DatasetRequest): Promise<DatasetReading> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-dataset-'));
  const file = join(folder, basename(name.replaceAll('\\', '/')).replace(/^\.*$/, 'file'));
  try {
    await writeFile(file, encoding === 'base64' ? Buffer.from(content, 'base64') : content);
    return await read(file, layout);
  } catch (error) {
    throw error instanceof ErrataError ? withoutFolder(error, folder + sep) : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function read(file: string, layoutName: string | undefined): Promise<DatasetReading> {
  const { datasetRules, openDataset, readDataset } = await import('@errata/evaluation');
  const opened = await openDataset(file, layoutName);
  const edits: Edit[] = [];
  const rejected: DatasetReading['rejected'] = [];
  const counts = { records: 0, rejected_count: 0, repaired: 0, dropped: 0 };
  let items = 0;
  let has_more = false;
  for await (const each of readDataset(opened)) {
    if (each.used && 'case' in each && edits.length + each.case.edits.length > textLimits.batch) {
      has_more = true;
      break;
    }
    counts.records += 1;
    if (each.used) {
      if ('case' in each) edits.push(...each.case.edits);
      else items += 1;
      counts.repaired += each.repaired.length;
      counts.dropped += each.dropped.length;
      continue;
    }
    counts.rejected_count += 1;
    const { record, field, rule } = each;
    const message = `${field === '' ? 'the record' : field} ${datasetRules[rule]}`;
    if (rejected.length < namedRejections) rejected.push({ record, field, rule, message });
  }
  if (items > 0)
    throw new ErrataError('invalid_edits', `${basename(file)} holds questions (${opened.layout.name}), not edits`);
  return { object: 'dataset_reading', layout: opened.layout.name, ...counts, edits, has_more, rejected };
}

/** Callers know their file by its name alone. */
function withoutFolder({ code, message, errors, details, cause }: ErrataError, folder: string): ErrataError {
  const { file: _, ...others } = details;
  return new ErrataError(code, message.replaceAll(folder, ''), { errors, details: others, cause });
}
