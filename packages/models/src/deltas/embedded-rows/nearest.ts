// The rows whose vectors a query is near to: all are compared in one product, and those that come near once more, exactly.

import type { Similar } from '../prompt-texts.ts';
import { exactProduct, roughProducts, type VectorSet } from '../vector-memory.ts';
import type { EmbeddedRow } from './rows.ts';

/** What rounding may take from a product in float32 of two vectors of length 1. */
const rounding = 1e-4;

/**
 * The rows within their threshold of a query, in no order. Which they are depends on nothing but the vectors: the product only chooses
 * those that are looked at.
 * @param query of length 1
 */
export async function nearRows(
  set: VectorSet<EmbeddedRow>,
  query: Float32Array,
): Promise<readonly Similar<EmbeddedRow>[]> {
  const scores = await roughProducts(set, query);
  const found: Similar<EmbeddedRow>[] = [];
  for (let at = 0; at < scores.length; at++) {
    const row = set.rows[at];
    if (row === undefined || scores[at]! < row.threshold - rounding) continue;
    const similarity = exactProduct(query, row.vector);
    if (similarity >= row.threshold) found.push({ row, similarity });
  }
  return found;
}
