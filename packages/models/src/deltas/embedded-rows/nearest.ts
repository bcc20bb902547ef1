// The rows whose vectors a query is near to: all are compared in one product, and those that come near once more, exactly.

import { compile, float32, float32Data, gemm, input, type Program } from '@errata/graph';
import type { Similar } from '../prompt-texts.ts';
import type { EmbeddedRow } from './rows.ts';
import type { VectorSet } from './vectors.ts';

/** What rounding may take from a product in float32 of two vectors of length 1. */
const rounding = 1e-4;

const programs = new Map<number, Promise<Program<'scores'>>>();

/** All rows times one query of this width. */
function productOf(width: number): Promise<Program<'scores'>> {
  const known = programs.get(width);
  if (known !== undefined) return known;
  const [keys, query] = [input('keys', 'float32', ['n', width]), input('query', 'float32', [1, width])];
  const made = compile({ scores: gemm(query, keys, { transB: true }) });
  programs.set(width, made);
  return made;
}

/** The cosine of vectors of length 1, summed in float64. */
function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * The rows within their threshold of a query, in no order. Which they are depends on nothing but the vectors: the product only chooses
 * those that are looked at.
 * @param query of length 1
 */
export async function nearRows(
  { matrix, rows }: VectorSet,
  query: Float32Array,
): Promise<readonly Similar<EmbeddedRow>[]> {
  const width = query.length;
  const { run } = await productOf(width);
  const feeds = { keys: float32([rows.length, width], matrix), query: float32([1, width], query) };
  const scores = float32Data((await run(feeds)).scores);
  const found: Similar<EmbeddedRow>[] = [];
  for (const [at, row] of rows.entries()) {
    if (row === undefined || scores[at]! < row.threshold - rounding) continue;
    const similarity = cosine(query, row.vector);
    if (similarity >= row.threshold) found.push({ row, similarity });
  }
  return found;
}
