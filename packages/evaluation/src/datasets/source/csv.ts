// The rows of a CSV file, one at a time, and what separates its cells.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { parse as parseAtOnce } from 'csv-parse/sync';
import { textPieces, unreadable } from './text.ts';

/** An unclosed quote would otherwise take the rest of the file for one cell. In characters. */
const longestRow = 1_000_000;

/** Spreadsheets of most of Europe write semicolons, since a comma is in their numbers. */
const delimiters = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof delimiters)[number];

/** What separates the cells of a file that begins so: the first by which its first row names columns that are known; else a comma. */
export function delimiterOf(head: string, isHeader: (row: readonly string[]) => boolean): Delimiter {
  const [line = ''] = head.split(/\r?\n/, 1);
  return delimiters.find((delimiter) => isHeader(cellsOf(line, delimiter))) ?? ',';
}

function cellsOf(line: string, delimiter: Delimiter): readonly string[] {
  try {
    const [cells = []]: string[][] = parseAtOnce(line, { delimiter, relax_quotes: true });
    return cells;
  } catch (error) {
    if (error instanceof CsvError) return [];
    throw error;
  }
}

/** Rows with at least one cell that is not blank. Errors as {@link textPieces}, and `unreadable_dataset` for broken quoting. */
export async function* csvRows(file: string, delimiter: Delimiter): AsyncGenerator<readonly string[], void, undefined> {
  const parser = parse({
    delimiter,
    relax_column_count: true,
    relax_quotes: true,
    skip_records_with_empty_values: true,
    max_record_size: longestRow,
  });
  // A fault in either reaches the loop below, since it destroys the parser.
  const flowing = pipeline(Readable.from(textPieces(file)), parser).catch(() => undefined);
  try {
    for await (const row of parser as AsyncIterable<string[]>) yield row;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    unreadable(file, `is not CSV: ${error.message}`);
  } finally {
    parser.destroy();
    await flowing;
  }
}
