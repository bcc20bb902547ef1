// A file as raw records, whatever it is written in: a JSON array, one JSON object, JSON lines, CSV, Parquet.
import { extname } from 'node:path';
import { csvRows, type Delimiter, delimiterOf } from './csv.ts';
import { jsonElements } from './json.ts';
import { isParquet } from './kinds.ts';
import { lines } from './lines.ts';
import { parquetRows } from './parquet.ts';
import { headOf, textPieces } from './text.ts';

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
  /** A line that is not JSON, or a value that is nested deeper than anything that reads it may go. */
  | { readonly record: number; readonly kind: 'malformed'; readonly rule: 'not_json' | 'too_deep' };

/** Where the records of a JSON document are that is not an array itself. */
export interface DocumentShape {
  /** The document's first fields, in any of their orders. */
  readonly begins: RegExp;
  /** Where the array is, as `$.data.*`. */
  readonly path: string;
  /** The records of one element of it. */
  readonly records: (element: unknown) => readonly unknown[];
}

/** How a file is written. */
export type Written =
  | { readonly format: 'json'; readonly document?: DocumentShape }
  | { readonly format: 'jsonl' }
  | { readonly format: 'csv'; readonly delimiter: Delimiter }
  | { readonly format: 'parquet' };

/** What the layouts know of how their files are written. */
export interface KnownForms {
  readonly documents: readonly DocumentShape[];
  /** Whether a first row of CSV names columns. */
  readonly isHeader: (row: readonly string[]) => boolean;
}

/** One record over several lines, in no array. */
const oneRecord: DocumentShape = { begins: /^\{/, path: '$', records: (record) => [record] };

/**
 * How a file is written: Parquet and arrays by how they begin, whatever the file is called; else by the ending of its name; else by how it
 * begins. Errors as {@link textPieces}.
 */
export async function howWritten(file: string, { documents, isHeader }: KnownForms): Promise<Written> {
  if (isParquet(await headOf(file))) return { format: 'parquet' };
  let head = '';
  for await (const piece of textPieces(file)) {
    head += piece;
    if (head.trim() !== '' && head.length >= 4096) break;
  }
  head = head.trimStart();
  const ending = extname(file.replace(/\.gz$/i, '')).toLowerCase();
  const csv = (): Written => ({ format: 'csv', delimiter: delimiterOf(head, isHeader) });
  if (ending === '.csv' || ending === '.tsv') return csv();
  if (head.startsWith('[')) return { format: 'json' };
  const named = ending === '.jsonl' || ending === '.ndjson';
  if (!head.startsWith('{')) return named ? { format: 'jsonl' } : csv();
  const document = named ? undefined : documents.find(({ begins }) => begins.test(head));
  if (document) return { format: 'json', document };
  // Several lines that are no objects are one; else there is one on each.
  const [first, second] = head.split('\n').map((line) => line.trim());
  if (second === undefined || second === '' || isObject(first) || isObject(second)) return { format: 'jsonl' };
  return { format: 'json', document: oneRecord };
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
  written: Written,
  isHeader: KnownForms['isHeader'],
): AsyncGenerator<RawRecord, void, undefined> {
  let record = 0;
  switch (written.format) {
    case 'json': {
      const { document } = written;
      for await (const element of jsonElements(file, document?.path ?? '$.*')) {
        for (const value of document ? document.records(element) : [element])
          yield { record: record++, ...asValue(value) };
      }
      return;
    }
    case 'jsonl':
      for await (const line of lines(file)) yield { record: record++, ...readLine(line) };
      return;
    case 'parquet':
      for await (const value of parquetRows(file)) yield { record: record++, ...asValue(value) };
      return;
    case 'csv': {
      let columns: readonly string[] | undefined;
      let first = true;
      for await (const cells of csvRows(file, written.delimiter)) {
        if (first && isHeader(cells)) columns = cells.map((name) => name.trim());
        else yield { record: record++, kind: 'row', cells, columns };
        first = false;
      }
    }
  }
}

type Read =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'malformed'; readonly rule: 'not_json' | 'too_deep' };

function readLine(line: string): Read {
  try {
    return asValue(JSON.parse(line));
  } catch {
    return { kind: 'malformed', rule: 'not_json' };
  }
}

/** No record is written with as many lists and objects within one another. */
const deepest = 64;

const asValue = (value: unknown): Read =>
  isDeeper(value, deepest) ? { kind: 'malformed', rule: 'too_deep' } : { kind: 'value', value };

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)));
