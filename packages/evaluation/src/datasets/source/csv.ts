// The rows of a CSV file, one at a time.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { textPieces, unreadable } from './text.ts';

/** An unclosed quote would otherwise take the rest of the file for one cell. In characters. */
const longestRow = 1_000_000;

/** Rows with at least one cell that is not blank. Errors as {@link textPieces}, and `unreadable_dataset` for broken quoting. */
export async function* csvRows(file: string): AsyncGenerator<readonly string[], void, undefined> {
  const parser = parse({
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
