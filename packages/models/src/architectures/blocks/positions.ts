// How positions enter: a learned table added to the embeddings, or as T5 has them (Raffel et al. 2020), by how far a key is from the query.

import {
  add,
  cast,
  constant,
  type Dim,
  gather,
  less,
  mulDims,
  reshape,
  sub,
  type Tensor,
  transpose,
  where,
} from '@errata/graph';

/** A learned table of positions, added to the token embeddings. */
export interface LearnedPositions {
  readonly kind: 'learned';
  readonly table: string;
  /** Rows of the table. */
  readonly rows: number;
  /** The row of a text's first token. */
  readonly first: number;
  /** A token whose row is its own id and which the positions skip, wherever it stands: RoBERTa's padding. */
  readonly skipped: number | null;
}

/** A table `[buckets, heads]` of what to add to the scores, by distance. */
export interface RelativePositions {
  readonly kind: 'relative';
  readonly table: string;
  readonly buckets: number;
  /** From this distance on all share the last bucket. */
  readonly maxDistance: number;
}

/** Row of the table for each token of a text. */
export function learnedRows({ first, skipped }: LearnedPositions, ids: readonly number[]): readonly number[] {
  let next = first;
  return ids.map((id) => (id === skipped ? id : next++));
}

/**
 * Buckets of the distances from queries to keys, `[queries.length * keys.length]`. The nearer half of the distances have a
 * bucket each, the others one for each step on a logarithmic scale; where keys may come later, they have a half to themselves.
 * @param queries positions of the queries @param keys positions of the keys
 */
export function relativeBuckets(
  { buckets, maxDistance }: RelativePositions,
  queries: readonly number[],
  keys: readonly number[],
  laterKeys: boolean,
): Int32Array {
  const half = laterKeys ? buckets / 2 : buckets;
  const exact = Math.floor(half / 2);
  const bucketOf = (behind: number) => {
    const side = laterKeys && behind < 0 ? half : 0;
    const distance = laterKeys ? Math.abs(behind) : Math.max(0, behind);
    if (distance < exact) return side + distance;
    // In float32, as the reference computes it: at the edges of buckets a more exact logarithm falls on the other side.
    const far = Math.fround(
      Math.fround(Math.log(Math.fround(distance / exact))) / Math.fround(Math.log(maxDistance / exact)),
    );
    return side + Math.min(half - 1, exact + Math.trunc(Math.fround(far * (half - exact))));
  };
  const all = new Int32Array(queries.length * keys.length);
  for (const [q, query] of queries.entries())
    for (const [k, key] of keys.entries()) all[q * keys.length + k] = bucketOf(query - key);
  return all;
}

/** What is added to the scores, `[1, heads, T, S]`. @param table `[buckets, heads]` @param buckets `[T*S]` int32 */
export function relativeBias(table: Tensor, buckets: Tensor, queries: Dim, keys: Dim): Tensor {
  const heads = table.dims[1]!;
  return reshape(transpose(reshape(gather(table, buckets), [queries, keys, heads]), [2, 0, 1]), [
    1,
    heads,
    queries,
    keys,
  ]);
}

/**
 * What is added to the scores of tokens that attend to those before them, `[B, heads, T, K]`.
 * @param weight the table `[buckets, heads]`
 * @param queries place of each token in its text, `[B*T]` int32 @param keys those of the tokens attended to, `[B*K]` int32
 */
export function causalRelativeBias(
  positions: RelativePositions,
  weight: Tensor,
  queries: Tensor,
  keys: Tensor,
  [batch, time, seen]: readonly [Dim, Dim, Dim],
): Tensor {
  // From the last bucket on all distances are one.
  const far = positions.maxDistance;
  const distances = Array.from({ length: far + 1 }, (_, distance) => distance);
  const buckets = constant('int32', [far + 1], relativeBuckets(positions, distances, [0], false), 'buckets');
  const places = (x: Tensor, dims: readonly Dim[]) => reshape(cast(x, 'float32'), dims);
  const behind = sub(places(queries, [batch, time, 1]), places(keys, [batch, 1, seen]));
  const forwards = where(less(behind, 0), 0, behind);
  const distance = cast(where(less(far, forwards), far, forwards), 'int32');
  const found = gather(gather(weight, buckets), reshape(distance, [mulDims(mulDims(batch, time), seen)]));
  return transpose(reshape(found, [batch, time, seen, weight.dims[1]!]), [0, 3, 1, 2]);
}

/** Row of a learned table for tokens at places of their texts, as int32. */
export const placedRows = ({ first }: LearnedPositions, places: Tensor): Tensor =>
  first === 0 ? places : cast(add(cast(places, 'float32'), first), 'int32');
