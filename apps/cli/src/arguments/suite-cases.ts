// What a file asks of a version on the service: our own lines as they are, and published data sets as edits or items.
import { ErrataError, type SuiteRequest } from '@errata/contracts';
import { type DataFile, describeLeftOut, warnOf } from './data-files.ts';
import { readText } from './files.ts';

/** One of the fields in which a request takes cases. */
export type GivenCases = Pick<SuiteRequest, 'edits' | 'edits_jsonl' | 'probes' | 'probes_jsonl'>;

/**
 * The edits of a data set. Lines in our own layout are left to the service, which checks and names each of them; records of others that
 * cannot be used are named on standard error.
 * @throws ErrataError `invalid_request` where it holds questions; as `openDataset`
 */
export async function editCases(data: DataFile): Promise<GivenCases> {
  const cases = await readCases(data);
  if (cases.edits !== undefined || cases.edits_jsonl !== undefined) return cases;
  throw new ErrataError('invalid_request', `${data.file} holds no edits`);
}

/** The edits of a data set, or its items. Lines with a prompt and no subject are questions of our own. */
export async function suiteCases(data: DataFile): Promise<GivenCases> {
  if (data.layout === undefined) {
    const text = await readText(data.file);
    if (asksPlainly(text)) return { probes_jsonl: firstLines(text, data.limit) };
  }
  return readCases(data);
}

async function readCases({ file, layout, limit }: DataFile): Promise<GivenCases> {
  const { distinctEdits, openDataset, surveyDataset } = await import('@errata/evaluation');
  const opened = await openDataset(file, layout);
  if (opened.layout.name === 'jsonl' && opened.written.format === 'jsonl')
    return { edits_jsonl: firstLines(await readText(file), limit) };
  const distinct = distinctEdits();
  const [edits, probes]: [unknown[], unknown[]] = [[], []];
  const report = await surveyDataset(opened, {
    ...(limit !== undefined && { limit }),
    onContent: (content, record) => {
      if ('item' in content) return probes.push(content.item);
      const kept = distinct.of(content.case.edits, record);
      edits.push(...kept);
      return kept.length > 0;
    },
  });
  warnOf(file, report);
  for (const line of describeLeftOut(distinct.answered)) console.error(line);
  return opened.layout.kind === 'edits' ? { edits } : { probes };
}

function asksPlainly(text: string): boolean {
  try {
    const first: unknown = JSON.parse(
      text
        .replace(/^\ufeff/, '')
        .trimStart()
        .split('\n', 1)[0]!,
    );
    return typeof first === 'object' && first !== null && 'prompt' in first && !('subject' in first);
  } catch {
    return false;
  }
}

const firstLines = (text: string, limit: number | undefined): string =>
  limit === undefined
    ? text
    : text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(0, limit)
        .join('\n');
