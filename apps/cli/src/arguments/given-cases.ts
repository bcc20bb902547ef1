// What a file holds of edits and questions, as requests take them: our own records as they are, and published data sets by their layout.
import {
  type Complaint,
  checkEdits,
  type Edit,
  ErrataError,
  parseEditsJsonl,
  type SuiteRequest,
} from '@errata/contracts';
import type { DatasetReport, OpenDataset } from '@errata/evaluation';
import { type DataFile, describeLeftOut, warnOf } from './data-files.ts';
import { withReadable } from './files.ts';

/** One of the fields in which a request takes cases. */
export type GivenCases = Pick<SuiteRequest, 'edits' | 'edits_jsonl' | 'probes' | 'probes_jsonl'>;
/** One of the fields in which a request takes edits. */
export type GivenEdits = Pick<SuiteRequest, 'edits' | 'edits_jsonl'>;

/**
 * The edits of a file, to be made: a batch is made whole or not at all, so that every record must be usable. Our own records are left to
 * whoever takes them, who checks and names each.
 * @throws ErrataError `invalid_edits` naming the records of a published data set that cannot be used; `invalid_request` where it holds
 * questions; as `openDataset`
 */
export const editsToMake = (data: DataFile): Promise<GivenEdits> => editsOf(data, requireAll);

/** {@link editsToMake}, checked here. @throws ErrataError as that does; `invalid_edits` with every fault, or where there is no edit */
export async function checkedEdits(data: DataFile): Promise<readonly Edit[]> {
  const { edits: values, edits_jsonl: jsonl = '' } = await editsToMake(data);
  const { edits, errors } =
    values === undefined ? parseEditsJsonl(jsonl) : checkEdits(values, (index) => ({ pointer: `/${index}` }));
  if (errors.length > 0) {
    const many = errors.length === 1 ? 'one fault' : `${errors.length} faults`;
    throw new ErrataError('invalid_edits', `${data.file} has ${many}; nothing was edited`, { errors });
  }
  if (edits.length === 0) throw new ErrataError('invalid_edits', `${data.file} holds no edits`);
  return edits;
}

/** The edits of a file, to be asked about. Records of a published data set that cannot be used are named on standard error. */
export const editCases = (data: DataFile): Promise<GivenEdits> => editsOf(data, warnOf);

/** The edits of a data set, or its items. Records with a prompt and nothing of an edit are questions of our own. */
export const suiteCases = (data: DataFile): Promise<GivenCases> =>
  withReadable(data.file, async (file) => {
    const { firstRecord } = await import('@errata/evaluation');
    if (data.layout === undefined && asksPlainly(await firstRecord(file))) return ownCases(file, 'probes', data.limit);
    return readCases({ ...data, file }, warnOf);
  });

/** Questions and items of our own, one a record. */
export const questionCases = (file: string): Promise<GivenCases> =>
  withReadable(file, (readable) => ownCases(readable, 'probes'));

type OnReport = (file: string, report: DatasetReport) => void | Promise<void>;

const editsOf = (data: DataFile, onReport: OnReport): Promise<GivenEdits> =>
  withReadable(data.file, async (file) => {
    const { edits, edits_jsonl } = await readCases({ ...data, file }, onReport);
    if (edits !== undefined) return { edits };
    if (edits_jsonl !== undefined) return { edits_jsonl };
    throw new ErrataError('invalid_request', `${data.file} holds no edits`);
  });

async function ownCases(file: string, kind: 'edits' | 'probes', limit?: number): Promise<GivenCases> {
  const { ownRecords } = await import('@errata/evaluation');
  const own = await ownRecords(file, limit);
  return 'jsonl' in own ? { [`${kind}_jsonl`]: own.jsonl } : { [kind]: own.values };
}

async function readCases({ file, layout, limit }: DataFile, onReport: OnReport): Promise<GivenCases> {
  const { distinctEdits, surveyDataset } = await import('@errata/evaluation');
  const opened = await openCases(file, layout);
  if (opened.layout.name === 'jsonl') return ownCases(file, 'edits', limit);
  const distinct = distinctEdits();
  const [edits, probes]: [unknown[], unknown[]] = [[], []];
  const report = await surveyDataset(opened, {
    ...(limit !== undefined && { limit }),
    onContent: (content, record) => {
      if ('item' in content) return probes.push(content.item);
      const kept = distinct.of(content.case.edits, record);
      for (const edit of kept) edits.push(edit);
      return kept.length > 0;
    },
  });
  await onReport(file, report);
  for (const line of describeLeftOut(distinct.answered)) console.error(line);
  return opened.layout.kind === 'edits' ? { edits } : { probes };
}

/** Records of JSON that look like nothing known are taken for edits with faults, which will be named. */
async function openCases(file: string, layout: string | undefined): Promise<OpenDataset> {
  const { openDataset } = await import('@errata/evaluation');
  if (layout !== undefined) return openDataset(file, layout);
  try {
    return await openDataset(file);
  } catch (error) {
    if (!(error instanceof ErrataError) || error.code !== 'unknown_layout') throw error;
    return openDataset(file, 'jsonl').catch(() => {
      throw error;
    });
  }
}

const complaintsNamed = 100;

async function requireAll(file: string, { records, rejected }: DatasetReport): Promise<void> {
  if (rejected.length === 0) return;
  const { datasetRules } = await import('@errata/evaluation');
  const errors = rejected.slice(0, complaintsNamed).map(({ record, field, rule }): Complaint => {
    const message = `record ${record}: ${field || 'it'} ${datasetRules[rule]}`;
    return { code: 'invalid_request', field, pointer: `/${record}`, message };
  });
  throw new ErrataError(
    'invalid_edits',
    `${rejected.length} of ${records} records of ${file} cannot be used; nothing was edited. errata data convert writes the others`,
    { errors },
  );
}

function asksPlainly(record: unknown): boolean {
  const fields = typeof record === 'object' && record !== null ? record : {};
  return 'prompt' in fields && !['subject', 'target_new', 'kind'].some((name) => name in fields);
}
