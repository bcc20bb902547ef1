// What a change of embedded rows makes of those before it.

import { mergedRows } from '../rows-by-prompt.ts';
import { type EmbeddedRow, type EmbeddedRowsDelta, embeddedVectors } from './rows.ts';

/** The rows that a change makes of those before it. */
export function changedEmbeddedRows(
  before: readonly EmbeddedRow[],
  further: readonly EmbeddedRow[],
): EmbeddedRowsDelta {
  const { rows, replaced } = mergedRows(before, further);
  embeddedVectors.grow(before, further, replaced, rows);
  return { kind: 'embedded_rows', rows };
}
