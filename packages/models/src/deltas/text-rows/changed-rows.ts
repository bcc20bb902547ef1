// What a change of rows makes of those before it, and the indexes that grow along.

import { mergedRows } from '../rows-by-prompt.ts';
import { extendIndex, indexRows, type RowIndex } from './row-index.ts';
import type { TextRow } from './rows.ts';

/** Indexes of memories that prompts were read with, and of those that grew from them. */
const indexes = new WeakMap<readonly TextRow[], RowIndex>();

/** What finds the rows of a memory that a prompt is similar to. */
export function indexOf(rows: readonly TextRow[]): RowIndex {
  const index = indexes.get(rows) ?? indexRows(rows);
  indexes.set(rows, index);
  return index;
}

/** The rows that a change makes of those before it. */
export function changedRows<Row extends TextRow>(before: readonly Row[], further: readonly Row[]): readonly Row[] {
  const { rows } = mergedRows(before, further);
  const index = indexes.get(before);
  if (index !== undefined) indexes.set(rows, extendIndex(index, further));
  return rows;
}
