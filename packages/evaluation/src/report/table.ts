// Tables of a report: numbers by row and column, the best of each column marked, unedited models set apart.
import { type Html, html } from './html.ts';

export type Format = 'share' | 'points' | 'ratio' | 'entropy' | 'number' | 'seconds' | 'bytes' | 'count';

export interface Column {
  readonly title: string;
  /** Columns under one heading stand together. */
  readonly group?: string;
  readonly format: Format;
  readonly better?: 'higher' | 'lower';
  /** What the column is, for those who point at it. */
  readonly about?: string;
}

export interface Cell {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

export interface Row {
  readonly name: string;
  /** Rows under one heading are compared with each other alone; they come together. */
  readonly section?: string;
  readonly cells: readonly (Cell | null)[];
  /** A row to compare with: never the best. */
  readonly reference?: boolean;
  /** In place of the columns' formats, where rows differ in what they measure. */
  readonly format?: Format;
}

export interface Table {
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Whether the best of each column is marked: where rows are rivals. */
  readonly rivals: boolean;
}

/** With a true minus, and none before a zero. */
const decimals = (value: number, digits: number) =>
  value
    .toFixed(digits)
    .replace(/^-(0(?:\.0*)?)$/, '$1')
    .replace('-', '−');

/** Numbers as papers print them: shares times a hundred, entropies times a hundred. */
export function formatNumber(value: number, format: Format): string {
  switch (format) {
    case 'share':
    case 'points':
    case 'entropy':
      return decimals(100 * value, 1);
    case 'ratio':
      return decimals(value, 3);
    case 'count':
      return value.toLocaleString('en-US');
    case 'seconds':
      return value < 0.0995
        ? `${decimals(1000 * value, value < 0.00995 ? 1 : 0)} ms`
        : `${decimals(value, value < 10 ? 2 : 1)} s`;
    case 'bytes':
      return value < 1e3
        ? `${value.toFixed(0)} B`
        : value < 1e6
          ? `${(value / 1e3).toFixed(1)} kB`
          : `${(value / 1e6).toFixed(1)} MB`;
    case 'number':
      return Math.abs(value) >= 1e5
        ? value.toExponential(1).replace('e+', 'e')
        : decimals(value, Math.abs(value) < 100 ? 2 : 0);
  }
}

/** Rows that have the best value of a column in their section, as it is printed: equal figures are equally good. */
function bestOf({ columns, rows, rivals }: Table, column: number): ReadonlySet<Row> {
  const { better, format } = columns[column]!;
  if (better === undefined || !rivals) return new Set();
  const best: Row[] = [];
  for (const section of new Set(rows.map((row) => row.section))) {
    const candidates = rows.filter((row) => row.section === section && !row.reference && row.cells[column] != null);
    if (candidates.length < 2) continue;
    const values = candidates.map((row) => row.cells[column]!.value);
    const wanted = formatNumber(better === 'higher' ? Math.max(...values) : Math.min(...values), format);
    const found = candidates.filter((row) => formatNumber(row.cells[column]!.value, format) === wanted);
    if (found.length < candidates.length) best.push(...found);
  }
  return new Set(best);
}

/** A table without the columns and rows that have nothing in them; undefined where nothing is left. */
export function withoutGaps(table: Table): Table | undefined {
  const kept = table.columns.map((_, column) => table.rows.some(({ cells }) => cells[column] != null));
  const columns = table.columns.filter((_, column) => kept[column]);
  const rows = table.rows
    .map((row) => ({ ...row, cells: row.cells.filter((_, column) => kept[column]) }))
    .filter(({ cells }) => cells.some((cell) => cell !== null));
  return columns.length === 0 || rows.length === 0 ? undefined : { ...table, columns, rows };
}

function headings(columns: readonly Column[]): Html | null {
  if (!columns.some(({ group }) => group)) return null;
  const groups: { title: string; span: number }[] = [];
  for (const { group = '' } of columns) {
    const last = groups.at(-1);
    if (last?.title === group) last.span++;
    else groups.push({ title: group, span: 1 });
  }
  return html`<tr><td></td>${groups.map(({ title, span }) =>
    title === ''
      ? html`<td colspan="${span}"></td>`
      : html`<th class="group" colspan="${span}" scope="colgroup"><span>${title}</span></th>`,
  )}</tr>`;
}

export function tableHtml(table: Table): Html {
  const { title, note, columns, rows } = table;
  const best = columns.map((_, column) => bestOf(table, column));
  const cell = (row: Row, column: number) => {
    const found = row.cells[column];
    const { group } = columns[column]!;
    const format = row.format ?? columns[column]!.format;
    const first = column > 0 && group !== columns[column - 1]!.group ? ' first' : '';
    if (found == null) return html`<td class="none${first}">–</td>`;
    const [low, high] = [found.low, found.high].map((end) => (end === undefined ? '' : formatNumber(end, format)));
    // An interval without width says nothing that the figure does not.
    const interval =
      low === high ? null : html`<span class="interval">${low}${low!.startsWith('−') ? ' to ' : '–'}${high}</span>`;
    return html`<td class="${best[column]!.has(row) ? 'best' : ''}${first}">${formatNumber(found.value, format)}${interval}</td>`;
  };
  return html`<section class="table"><h2>${title}</h2>${note === undefined ? null : html`<p class="note">${note}</p>`}
<div class="scroll"><table><thead>${headings(columns)}<tr><th></th>${columns.map(
    ({ title: name, about, better, group }, column) =>
      html`<th scope="col" class="${column > 0 && group !== columns[column - 1]!.group ? 'first' : ''}"${about === undefined ? null : html` title="${about}"`}>${name}${better === undefined ? null : html`<span class="arrow">${better === 'higher' ? '↑' : '↓'}</span>`}</th>`,
  )}</tr></thead><tbody>${rows.map((row, at) => [
    row.section === undefined || row.section === rows[at - 1]?.section
      ? null
      : html`<tr class="section"><th scope="rowgroup" colspan="${columns.length + 1}">${row.section}</th></tr>`,
    html`<tr class="${row.reference ? 'reference' : ''}"><th scope="row">${row.name}</th>${columns.map((_, column) => cell(row, column))}</tr>`,
  ])}</tbody></table></div></section>`;
}
