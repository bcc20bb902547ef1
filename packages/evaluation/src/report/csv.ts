// Rows as CSV, for spreadsheets and data frames: one line a metric of a case.
import type { EvaluationRow } from '@errata/contracts';

const columns = [
  'case_id',
  'moment',
  'edits',
  'metric',
  'version',
  'value',
  'before',
  'count',
] as const satisfies readonly (keyof EvaluationRow)[];

/** RFC 4180: quoted where it must be. */
function field(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The names of the columns. */
export const csvHead = `run,${columns.join(',')}\r\n`;

/** @yields a line a row, with its end */
export function* csvLines(run: string, rows: Iterable<EvaluationRow>): Generator<string> {
  for (const row of rows) yield `${field(run)},${columns.map((column) => field(row[column])).join(',')}\r\n`;
}
