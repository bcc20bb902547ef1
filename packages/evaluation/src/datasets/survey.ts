// A data set counted: how many records there are, what can be used of them, and what cannot, by name.
import type { DatasetCase } from './cases.ts';
import type { SuiteItem } from './items.ts';
import type { DatasetContent } from './layout.ts';
import { type OpenDataset, openDataset, readDataset } from './read-dataset.ts';
import type { FieldNote } from './rules.ts';

/** A note about a record, which counts from 0. */
export type RecordNote = { readonly record: number } & FieldNote;

export interface DatasetReport {
  readonly layout: string;
  /** Records read: those that are used and those that are rejected. */
  readonly records: number;
  /** Edits of the records that are used; more than one a record where a case has several. */
  readonly edits: number;
  /** Items of a suite. */
  readonly items: number;
  /** Records that cannot be used, each with the first rule that it breaks. */
  readonly rejected: readonly RecordNote[];
  /** Fields that were mended in records that are used. */
  readonly repaired: readonly RecordNote[];
  /** Probes and other parts that were left out of records that are used. */
  readonly dropped: readonly RecordNote[];
}

export interface SurveyOptions {
  /** Stops after so many records that can be used; at least one. */
  readonly limit?: number;
  /** Told of every record that can be used, in order, before the next is read. What it answers `false` to counts for no limit. */
  readonly onContent?: (content: DatasetContent, record: number) => unknown;
}

/** Reads a file through. Errors as {@link readDataset}. */
export async function surveyDataset(opened: OpenDataset, options: SurveyOptions = {}): Promise<DatasetReport> {
  const { limit = Number.POSITIVE_INFINITY, onContent } = options;
  const rejected: RecordNote[] = [];
  const repaired: RecordNote[] = [];
  const dropped: RecordNote[] = [];
  let [records, used, edits, items] = [0, 0, 0, 0];
  for await (const read of readDataset(opened)) {
    const { record } = read;
    records++;
    if (!read.used) {
      rejected.push({ record, field: read.field, rule: read.rule });
      continue;
    }
    repaired.push(...read.repaired.map((note) => ({ record, ...note })));
    dropped.push(...read.dropped.map((note) => ({ record, ...note })));
    if ('case' in read) edits += read.case.edits.length;
    else items++;
    if ((await onContent?.(read, record)) !== false) used++;
    if (used >= limit) break;
  }
  return { layout: opened.layout.name, records, edits, items, rejected, repaired, dropped };
}

export interface LoadedDataset {
  readonly report: DatasetReport;
  /** Of an editing data set. */
  readonly cases: readonly DatasetCase[];
  /** Of a suite. */
  readonly items: readonly SuiteItem[];
}

/** A whole data set in memory, or its first `limit` records. Errors as {@link readDataset}. */
export async function loadDataset(
  file: string,
  { layout = 'auto', limit }: { readonly layout?: string; readonly limit?: number } = {},
): Promise<LoadedDataset> {
  const cases: DatasetCase[] = [];
  const items: SuiteItem[] = [];
  const report = await surveyDataset(await openDataset(file, layout), {
    ...(limit !== undefined && { limit }),
    onContent: (content) => {
      if ('case' in content) cases.push(content.case);
      else items.push(content.item);
    },
  });
  return { report, cases, items };
}
