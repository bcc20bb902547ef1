// Tables of a report: numbers by row and column, those that are surely the best marked, unedited models set apart.
import { type Html, html } from '../charts/index.ts';

export type Format = 'share' | 'points' | 'ratio' | 'entropy' | 'number' | 'seconds' | 'bytes' | 'count';

export interface Column {
  readonly title: string;
  /** Where there is little room. */
  readonly short?: string;
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
  /** In place of the row's, where it is of another kind. */
  readonly format?: Format;
  /** Whether it is the best of its rivals beyond chance. */
  readonly best?: true;
}

export interface Row {
  readonly name: string;
  /** Rows under one heading are compared with each other alone; they come together. */
  readonly section?: string;
  readonly cells: readonly (Cell | null)[];
  /** A row to compare with. */
  readonly reference?: boolean;
  /** In place of the columns' formats, where rows differ in what they measure. */
  readonly format?: Format;
}

export interface Table {
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

export const countEdits = (edits: number): string =>
  `${edits.toLocaleString('en-US')} ${edits === 1 ? 'edit' : 'edits'}`;

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

/**
 * A table without the columns and rows that have nothing in them; undefined where nothing is left. A row to compare with keeps no column
 * that no other has.
 */
export function withoutGaps(table: Table): Table | undefined {
  const own = table.rows.filter(({ reference }) => !reference);
  const counted = own.length === 0 ? table.rows : own;
  const kept = table.columns.map((_, column) => counted.some(({ cells }) => cells[column] != null));
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

/** A column belongs to a group that begins with it. */
const begins = (columns: readonly Column[], at: number) => at > 0 && columns[at]!.group !== columns[at - 1]!.group;

function cellHtml(cell: Cell | null | undefined, format: Format, first: string): Html {
  if (cell == null) return html`<td class="none${first}">–</td>`;
  const [low, high] = [cell.low, cell.high].map((end) => (end === undefined ? '' : formatNumber(end, format)));
  // An interval without width says nothing that the figure does not.
  const interval =
    low === high ? null : html`<span class="interval">${low}${low!.startsWith('−') ? ' to ' : '–'}${high}</span>`;
  return html`<td class="${cell.best ? 'best' : ''}${first}">${formatNumber(cell.value, format)}${interval}</td>`;
}

/** A table alone, without its title. */
export function gridHtml({ columns, rows }: Table): Html {
  const first = (at: number) => (begins(columns, at) ? ' first' : '');
  return html`<div class="scroll"><table><thead>${headings(columns)}<tr><th></th>${columns.map(
    ({ title: name, about, better }, at) =>
      html`<th scope="col" class="${first(at)}"${about === undefined ? null : html` title="${about}"`}>${name}${better === undefined ? null : html`<span class="arrow">${better === 'higher' ? '↑' : '↓'}</span>`}</th>`,
  )}</tr></thead><tbody>${rows.map((row, at) => [
    row.section === undefined || row.section === rows[at - 1]?.section
      ? null
      : html`<tr class="section"><th scope="rowgroup" colspan="${columns.length + 1}">${row.section}</th></tr>`,
    html`<tr class="${row.reference ? 'reference' : ''}"><th scope="row">${row.name}</th>${columns.map(({ format }, column) => cellHtml(row.cells[column], row.cells[column]?.format ?? row.format ?? format, first(column)))}</tr>`,
  ])}</tbody></table></div>`;
}

/** Its groups of columns as tables of their own, for where they do not fit beside each other. */
function byGroup(table: Table): readonly Table[] {
  const starts = table.columns.flatMap((_, at) => (at === 0 || begins(table.columns, at) ? [at] : []));
  return starts.flatMap((start, index) => {
    const part = <T>(list: readonly T[]) => list.slice(start, starts[index + 1]);
    const rows = table.rows.map((row) => ({ ...row, cells: part(row.cells) }));
    return withoutGaps({ ...table, columns: part(table.columns), rows }) ?? [];
  });
}

export function tableHtml(table: Table): Html {
  const { title, note } = table;
  const groups = byGroup(table);
  const grids =
    groups.length === 1
      ? gridHtml(table)
      : html`<div class="wide">${gridHtml(table)}</div><div class="narrow">${groups.map(gridHtml)}</div>`;
  return html`<section class="table"><h2>${title}</h2>${note === undefined ? null : html`<p class="note">${note}</p>`}
${grids}</section>`;
}
