// What the cases of an evaluation found as CSV: one line a case, two columns a metric, for a spreadsheet.
import type { CaseResult } from '@errata/contracts';

type Cell = string | number | boolean | null | undefined;

const columns: readonly (readonly [string, (result: CaseResult) => Cell])[] = [
  ['position', (result) => result.position],
  ['case_id', (result) => result.case_id],
  ['custom_id', (result) => result.custom_id],
  ['kind', (result) => result.kind],
  ['outcome', (result) => result.outcome],
  ['error', (result) => result.error?.code],
  ['prompt', (result) => result.prompt],
  ['target', (result) => result.target],
  ['answer_before', (result) => result.answer_before],
  ['answer_after', (result) => result.answer_after],
  ['changed', (result) => result.changed],
];

/** A spreadsheet would run a text that begins like a formula: such a cell gets an apostrophe before it. */
function written(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell !== 'string') return String(cell);
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const line = (cells: readonly Cell[]): string => `${cells.map(written).join(',')}\r\n`;

/** Lines for results that have these metrics, each on the version compared with and on the one evaluated. */
export function csvWriter(metrics: readonly string[]) {
  return {
    header: line([...columns.map(([name]) => name), ...metrics.flatMap((metric) => [`${metric} before`, metric])]),
    line: (result: CaseResult): string => {
      const measures = new Map(result.measures.map((measure) => [measure.metric, measure]));
      const values = metrics.flatMap((metric) => [measures.get(metric)?.before, measures.get(metric)?.value]);
      return line([...columns.map(([, cell]) => cell(result)), ...values]);
    },
  };
}
