// What a change of embedded rows makes of those before it.

import { type EmbeddedRow, type EmbeddedRowsDelta, embeddedVectors } from './rows.ts';

/** The rows that a change makes of those before it, by their prompts: in which order rows of several prompts came leaves no trace. */
export function changedEmbeddedRows(
  before: readonly EmbeddedRow[],
  further: readonly EmbeddedRow[],
): EmbeddedRowsDelta {
  const rows = before.slice();
  const replaced: EmbeddedRow[] = [];
  for (const row of further) {
    const at = placeOf(rows, row.prompt);
    const known = rows[at];
    if (known?.prompt === row.prompt) {
      replaced.push(known);
      rows[at] = row;
    } else rows.splice(at, 0, row);
  }
  embeddedVectors.grow(before, further, replaced, rows);
  return { kind: 'embedded_rows', rows };
}

/** Where the row of a prompt is, or would be, among rows in the order of their prompts. */
function placeOf(rows: readonly EmbeddedRow[], prompt: string): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.prompt < prompt) low = middle + 1;
    else high = middle;
  }
  return low;
}
