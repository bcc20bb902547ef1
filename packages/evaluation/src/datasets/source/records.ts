// A file as raw records, whatever it is written in: a JSON array, JSON lines, CSV.
import { extname } from 'node:path';
import { csvRows } from './csv.ts';
import { jsonElements } from './json.ts';
import { lines } from './lines.ts';
import { textPieces, unreadable } from './text.ts';

export const datasetFormats = ['json', 'jsonl', 'csv'] as const;
export type DatasetFormat = (typeof datasetFormats)[number];

/** One record as it stands in the file; `record` counts from 0. */
export type RawRecord =
  | { readonly record: number; readonly kind: 'value'; readonly value: unknown }
  /** A row of CSV with the names of its columns, where the file has any. */
  | {
      readonly record: number;
      readonly kind: 'row';
      readonly cells: readonly string[];
      readonly columns: readonly string[] | undefined;
    }
  /** A line that is not JSON. */
  | { readonly record: number; readonly kind: 'malformed' };

/** Where the records of a JSON document are that is not an array itself. */
export interface DocumentShape {
  /** The document's first fields, in any of their orders. */
  readonly begins: RegExp;
  /** Where the array is, as `$.data.*`. */
  readonly path: string;
  /** The records of one element of it. */
  readonly records: (element: unknown) => readonly unknown[];
}

export type Written = { readonly format: DatasetFormat; readonly document?: DocumentShape };

/**
 * How a file is written: an array by its bracket, whatever the file is called; else by the ending of its name; else by how
 * it begins. Errors as {@link textPieces}.
 */
export async function howWritten(file: string, documents: readonly DocumentShape[]): Promise<Written> {
  let head = '';
  for await (const piece of textPieces(file)) {
    head += piece;
    if (head.trim() !== '' && head.length >= 4096) break;
  }
  head = head.trimStart();
  const ending = extname(file).toLowerCase();
  if (ending === '.csv') return { format: 'csv' };
  if (head.startsWith('[')) return { format: 'json' };
  if (ending === '.jsonl' || ending === '.ndjson') return { format: 'jsonl' };
  if (!head.startsWith('{')) return { format: 'csv' };
  const document = documents.find(({ begins }) => begins.test(head));
  if (document) return { format: 'json', document };
  // One object over several lines is no list of records; one object a line is.
  const [first, second] = head.split('\n').map((line) => line.trim());
  if (second === undefined || second === '' || isObject(first) || isObject(second)) return { format: 'jsonl' };
  return unreadable(file, 'holds one JSON object: records stand in an array, or one on each line');
}

function isObject(line: string | undefined): boolean {
  try {
    return line?.startsWith('{') === true && typeof JSON.parse(line) === 'object';
  } catch {
    // Lines may be longer than what was read of them.
    return line!.startsWith('{"') && !line!.endsWith('[') && !line!.endsWith('{') && !line!.endsWith(',');
  }
}

/** Every record of a file in order; `isHeader` says whether a first row of CSV names columns. Errors as the reader of its format. */
export async function* rawRecords(
  file: string,
  { format, document }: Written,
  isHeader: (row: readonly string[]) => boolean,
): AsyncGenerator<RawRecord, void, undefined> {
  let record = 0;
  if (format === 'json') {
    for await (const element of jsonElements(file, document?.path ?? '$.*')) {
      for (const value of document ? document.records(element) : [element]) {
        yield { record: record++, kind: 'value', value };
      }
    }
  } else if (format === 'jsonl') {
    for await (const line of lines(file)) yield { record: record++, ...readLine(line) };
  } else {
    let columns: readonly string[] | undefined;
    let first = true;
    for await (const cells of csvRows(file)) {
      if (first && isHeader(cells)) columns = cells.map((name) => name.trim());
      else yield { record: record++, kind: 'row', cells, columns };
      first = false;
    }
  }
}

function readLine(line: string): { kind: 'value'; value: unknown } | { kind: 'malformed' } {
  try {
    return { kind: 'value', value: JSON.parse(line) };
  } catch {
    return { kind: 'malformed' };
  }
}
