// Attention with grouped queries, rotary positions and cached keys and values, to the sequence itself or to another.

import {
  add,
  addDims,
  cast,
  concat,
  constant,
  cos,
  cumSum,
  type Dim,
  gemm,
  less,
  lessOrEqual,
  matmul,
  mul,
  mulDims,
  reshape,
  sin,
  slice,
  softCap,
  softmax,
  split,
  subDims,
  type Tensor,
  transpose,
  where,
} from '@errata/graph';
import { hidden } from '../../running/masks.ts';
import { applyMatrix, normalise, type WeightOf } from './layers.ts';
import type { AttentionRefs, AttentionShape, CrossAttentionRefs, MatrixRef, ProjectionRefs, Rotary } from './refs.ts';

/** Keys and values of one layer, `[B, kvHeads, positions, headDim]` each, keys already rotated. */
export interface KeysValues {
  readonly key: Tensor;
  readonly value: Tensor;
}

/** Cosines and sines of the rotation of every position, and the matrix that swaps the dimensions of each pair of a head. */
export interface Rotation {
  /** `[B*T, 1, headDim]` */
  readonly cosines: Tensor;
  /** `[B*T, 1, headDim]` */
  readonly sines: Tensor;
  /** `[headDim, headDim]`: x·R has (-second, first) of every pair, and 0 beyond them. */
  readonly swap: Tensor;
}

/** Prepares the rotation of a run's positions (`[B*T]` int32). */
export function rotationOf({ inverseFrequencies, pairs, scale }: Rotary, headDim: number, positions: Tensor): Rotation {
  const rows = positions.dims[0]!;
  const neighbours = pairs === 'neighbours';
  // What is in no pair turns by nothing.
  const frequencies = new Float32Array(headDim);
  const scales = new Float32Array(headDim).fill(1);
  const swap = new Float32Array(headDim * headDim);
  for (const [pair, frequency] of inverseFrequencies.entries()) {
    const [first, second] = neighbours ? [2 * pair, 2 * pair + 1] : [pair, pair + inverseFrequencies.length];
    for (const at of [first, second]) {
      frequencies[at] = frequency;
      scales[at] = scale ?? 1;
    }
    swap[second * headDim + first] = -1;
    swap[first * headDim + second] = 1;
  }
  const table = constant('float32', [1, headDim], frequencies, 'inverse_frequencies');
  const angles = reshape(mul(reshape(cast(positions, 'float32'), [rows, 1]), table), [rows, 1, headDim]);
  const scaled = (x: Tensor) =>
    scale === undefined ? x : mul(x, constant('float32', [headDim], scales, 'rotation_scale'));
  return {
    cosines: scaled(cos(angles)),
    sines: scaled(sin(angles)),
    swap: constant('float32', [headDim, headDim], swap, 'rotation'),
  };
}

function rotate(x: Tensor, heads: number, headDim: number, { cosines, sines, swap }: Rotation): Tensor {
  const rows = x.dims[0]!;
  const perHead = reshape(x, [rows, heads, headDim]);
  const swapped = gemm(reshape(x, [mulDims(rows, heads), headDim]), swap);
  const turned = add(mul(perHead, cosines), mul(reshape(swapped, [rows, heads, headDim]), sines));
  return reshape(turned, [rows, heads * headDim]);
}

/**
 * Narrows a bias to a window: each position attends to no more than the last `window` of those that it attended to, itself
 * among them. What is hidden does not count, so gaps in a cache and padding take up no room.
 */
export function withinWindow(bias: Tensor, window: number): Tensor {
  const visible = cast(less(hidden / 2, bias), 'float32');
  return where(lessOrEqual(cumSum(visible, true), window), bias, hidden);
}

/** What attention needs beside its input. */
export interface AttentionOptions {
  readonly batch: Dim;
  readonly time: Dim;
  readonly weight: WeightOf;
  /** Added to the scores, `[B, 1 or heads, 1 or T, seen]`: 0 to attend, -1e9 not to; seen are the keys, P + T of a sequence's own. */
  readonly bias: Tensor;
}

/**
 * The bias of all queries, or with nothing cached of one block of them after another, `[B, 1 or heads, length, seen]`: the keys that a
 * block may see end where it ends itself.
 */
export type Bias = Tensor | readonly Tensor[];

export const isWhole = (bias: unknown): bias is Tensor => !Array.isArray(bias);

/** What attention of a sequence to itself needs beside its input. */
export interface SelfAttentionOptions extends Omit<AttentionOptions, 'bias'> {
  readonly bias: Bias;
  readonly rotation: Rotation | undefined;
  readonly past: KeysValues | undefined;
}

/** Heads apart, `[B, count, positions, headDim]`, of rows `[B*positions, count*headDim]`. */
const byHead = (rows: Tensor, batch: Dim, positions: Dim, count: number, headDim: number) =>
  transpose(reshape(rows, [batch, positions, count, headDim]), [0, 2, 1, 3]);

/**
 * The values that queries `[B*T, heads*headDim]` find, weighed by the softmax of their scores; laid out as the queries. What is seen may
 * lie in several pieces, side by side: scores are joined, which are small, and never keys and values, which a step of generation would copy.
 */
function attend(
  { heads, kvHeads, headDim, scoreScale = 1 / Math.sqrt(headDim), scoreCap }: AttentionShape,
  queries: Tensor,
  pieces: readonly KeysValues[],
  { batch, time, bias }: AttentionOptions,
): Tensor {
  const groups = heads / kvHeads;
  const starts: Dim[] = [0];
  for (const { key } of pieces) starts.push(addDims(starts.at(-1)!, key.dims[2]!));
  const seen = starts.at(-1)!;
  // Queries of one group sit beside each other, so keys and values are never copied per query head.
  const scaled = byHead(mul(queries, scoreScale), batch, time, heads, headDim);
  const grouped = reshape(scaled, [batch, kvHeads, mulDims(groups, time), headDim]);
  const found = pieces.map(({ key }) => matmul(grouped, transpose(key, [0, 1, 3, 2])));
  const scores = reshape(joined(found), [batch, heads, time, seen]);
  const weights = reshape(softmax(add(scoreCap === undefined ? scores : softCap(scores, scoreCap), bias)), [
    batch,
    kvHeads,
    mulDims(groups, time),
    seen,
  ]);
  const mixtures = pieces.map(({ value }, i) =>
    matmul(pieces.length === 1 ? weights : slice(weights, 3, starts[i]!, starts[i + 1]!), value),
  );
  const mixed = reshape(mixtures.reduce(add), [batch, heads, time, headDim]);
  return reshape(transpose(mixed, [0, 2, 1, 3]), [mulDims(batch, time), heads * headDim]);
}

/**
 * The same, block of queries by block. What a block may not see is not multiplied with it, which is close to half of the scores of a long
 * sequence, and the scores of one block are held at a time.
 */
function attendByBlocks(
  shape: AttentionShape,
  queries: Tensor,
  { key, value }: KeysValues,
  { batch, time, weight }: Omit<AttentionOptions, 'bias'>,
  biases: readonly Tensor[],
): Tensor {
  const width = shape.heads * shape.headDim;
  const rows = reshape(queries, [batch, time, width]);
  const found = biases.map((bias) => {
    const [length, seen] = [bias.dims[2]!, bias.dims[3]!];
    const own = reshape(slice(rows, 1, subDims(seen, length), seen), [mulDims(batch, length), width]);
    const upTo = { key: slice(key, 2, 0, seen), value: slice(value, 2, 0, seen) };
    return reshape(attend(shape, own, [upTo], { batch, time: length, weight, bias }), [batch, length, width]);
  });
  return reshape(concat(found, 1), [mulDims(batch, time), width]);
}

const joined = (parts: readonly Tensor[]): Tensor => (parts.length === 1 ? parts[0]! : concat(parts, 3));

/** Queries `[rows, heads*headDim]`, keys and values `[rows, kvHeads*headDim]` of what attention takes. */
function projected(
  { heads, kvHeads, headDim }: AttentionShape,
  projections: ProjectionRefs,
  x: Tensor,
  weight: WeightOf,
): readonly [Tensor, Tensor, Tensor] {
  const project = (m: MatrixRef) => applyMatrix(weight, m, x);
  if (projections.kind === 'separate')
    return [project(projections.query), project(projections.key), project(projections.value)];
  const all = project(projections.matrix);
  const sizes = [heads, kvHeads, kvHeads];
  const rows = x.dims[0]!;
  const parts =
    projections.by === 'kind'
      ? split(
          all,
          1,
          sizes.map((count) => count * headDim),
        )
      : split(
          reshape(all, [rows, kvHeads, heads / kvHeads + 2, headDim]),
          2,
          sizes.map((count) => count / kvHeads),
        ).map((part, i) => reshape(part, [rows, sizes[i]! * headDim]));
  return [parts[0]!, parts[1]!, parts[2]!];
}

/**
 * Attention of a sequence to itself.
 * @param x `[B*T, width]`, normalised where the block normalises it
 * @returns the projected output `[B*T, width]`, and the keys and values of the T new positions
 */
export function attention(
  shape: AttentionShape,
  { projections, headNorms, attentionOutput }: AttentionRefs,
  x: Tensor,
  options: SelfAttentionOptions,
): { readonly output: Tensor; readonly present: KeysValues } {
  const { heads, kvHeads, headDim } = shape;
  const { batch, time, weight, rotation, past, bias } = options;
  const rows = x.dims[0]!;
  const [q, k, v] = projected(shape, projections, x, weight);
  const even = (values: Tensor, count: number, of: 'query' | 'key') => {
    if (headNorms === undefined) return values;
    const vectors = headNorms.over === 'head' ? reshape(values, [rows, count, headDim]) : values;
    return reshape(normalise(weight, headNorms[of], headNorms.epsilon, vectors), [rows, count * headDim]);
  };
  const turn = (values: Tensor, count: number, of: 'query' | 'key') =>
    rotation ? rotate(even(values, count, of), count, headDim, rotation) : even(values, count, of);
  const present = {
    key: byHead(turn(k, kvHeads, 'key'), batch, time, kvHeads, headDim),
    value: byHead(v, batch, time, kvHeads, headDim),
  };
  const queries = turn(q, heads, 'query');
  const mixed = isWhole(bias)
    ? attend(shape, queries, past ? [past, present] : [present], { ...options, bias })
    : attendByBlocks(shape, queries, present, options, bias);
  return { output: applyMatrix(weight, attentionOutput, mixed), present };
}

/**
 * Keys and values that a sequence offers to the attention of another.
 * @param x `[B*S, width]`
 * @returns `[B, kvHeads, S, headDim]` each
 */
export function offeredKeysValues(
  { kvHeads, headDim }: AttentionShape,
  { projections }: CrossAttentionRefs,
  x: Tensor,
  { batch, time, weight }: Pick<AttentionOptions, 'batch' | 'time' | 'weight'>,
): KeysValues {
  const offered = (m: MatrixRef) => byHead(applyMatrix(weight, m, x), batch, time, kvHeads, headDim);
  return { key: offered(projections.key), value: offered(projections.value) };
}

/** Attention of a sequence (`x`, `[B*T, width]`) to another's keys and values: the projected output, `[B*T, width]`. */
export function crossAttention(
  shape: AttentionShape,
  { projections, attentionOutput }: CrossAttentionRefs,
  x: Tensor,
  offered: KeysValues,
  options: AttentionOptions,
): Tensor {
  const queries = applyMatrix(options.weight, projections.query, x);
  return applyMatrix(options.weight, attentionOutput, attend(shape, queries, [offered], options));
}
