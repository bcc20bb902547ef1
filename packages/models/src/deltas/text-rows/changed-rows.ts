// What a change of rows makes of those before it, and the indexes that grow along.

import { extendIndex, indexRows, type RowIndex } from './row-index.ts';
import type { TextRow, TextRowsDelta } from './rows.ts';

/** Indexes of memories that prompts were read with, and of those that grew from them. */
const indexes = new WeakMap<readonly TextRow[], RowIndex>();

/** What finds the rows of a memory that a prompt is similar to. */
export function indexOf(rows: readonly TextRow[]): RowIndex {
  const index = indexes.get(rows) ?? indexRows(rows);
  indexes.set(rows, index);
  return index;
}

/** Where a row of a prompt is, or would be, among rows in the order of their prompts. */
function placeOf(rows: readonly TextRow[], prompt: string, from: number): number {
  let [low, high] = [from, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.prompt < prompt) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The rows that a change makes of those before it, by their prompts: in which order rows of several prompts came leaves no trace. */
export function changedRows(before: readonly TextRow[], further: readonly TextRow[]): TextRowsDelta {
  const rows: TextRow[] = [];
  let taken = 0;
  const take = (end: number) => {
    for (; taken < end; taken++) rows.push(before[taken]!);
  };
  for (const row of further.toSorted((a, b) => (a.prompt < b.prompt ? -1 : 1))) {
    take(placeOf(before, row.prompt, taken));
    rows.push(row);
    if (before[taken]?.prompt === row.prompt) taken++;
  }
  take(before.length);
  const index = indexes.get(before);
  if (index !== undefined) indexes.set(rows, extendIndex(index, further));
  return { kind: 'text_rows', rows };
}
