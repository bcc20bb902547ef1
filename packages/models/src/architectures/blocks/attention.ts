// Causal self-attention with grouped queries, rotary positions and cached keys and values: one path for every use.

import {
  add,
  cast,
  concat,
  constant,
  cos,
  type Dim,
  gemm,
  matmul,
  mul,
  mulDims,
  reshape,
  sin,
  softmax,
  split,
  type Tensor,
  transpose,
} from '@errata/graph';
import { applyMatrix, type WeightOf } from './layers.ts';
import type { AttentionRefs, AttentionShape } from './refs.ts';

/** Keys and values of one layer, `[B, kvHeads, positions, headDim]` each, keys already rotated. */
export interface KeysValues {
  readonly key: Tensor;
  readonly value: Tensor;
}

/** Cosines and sines of the rotation of every position, and the matrix that swaps the halves of a head. */
export interface Rotation {
  /** `[B*T, 1, headDim]` */
  readonly cosines: Tensor;
  /** `[B*T, 1, headDim]` */
  readonly sines: Tensor;
  /** `[headDim, headDim]`: x·R = (-second half, first half) */
  readonly swap: Tensor;
}

/** Prepares the rotation of a run's positions (`[B*T]` int32). */
export function rotationOf(frequencies: readonly number[], positions: Tensor): Rotation {
  const half = frequencies.length;
  const rows = positions.dims[0]!;
  const table = constant('float32', [1, half], Float32Array.from(frequencies), 'inverse_frequencies');
  const angles = mul(reshape(cast(positions, 'float32'), [rows, 1]), table);
  const both = reshape(concat([angles, angles], 1), [rows, 1, 2 * half]);
  const swap = new Float32Array(4 * half * half);
  for (let i = 0; i < half; i++) {
    swap[(i + half) * 2 * half + i] = -1;
    swap[i * 2 * half + i + half] = 1;
  }
  return {
    cosines: cos(both),
    sines: sin(both),
    swap: constant('float32', [2 * half, 2 * half], swap, 'rotation'),
  };
}

function rotate(x: Tensor, heads: number, headDim: number, { cosines, sines, swap }: Rotation): Tensor {
  const rows = x.dims[0]!;
  const perHead = reshape(x, [rows, heads, headDim]);
  const swapped = gemm(reshape(x, [mulDims(rows, heads), headDim]), swap);
  const turned = add(mul(perHead, cosines), mul(reshape(swapped, [rows, heads, headDim]), sines));
  return reshape(turned, [rows, heads * headDim]);
}

/** What attention needs beside the normalised input. */
export interface AttentionOptions {
  readonly batch: Dim;
  readonly time: Dim;
  readonly weight: WeightOf;
  /** Added to the scores, `[B, 1, T, P + T]`: 0 to attend, -1e9 not to. */
  readonly bias: Tensor;
  readonly rotation: Rotation | undefined;
  readonly past: KeysValues | undefined;
}

/**
 * Attention of one block.
 * @param x normalised input, `[B*T, width]`
 * @returns the projected output `[B*T, width]`, and the keys and values of the T new positions
 */
export function attention(
  { heads, kvHeads, headDim }: AttentionShape,
  { projections, attentionOutput }: AttentionRefs,
  x: Tensor,
  { batch, time, weight, bias, rotation, past }: AttentionOptions,
): { readonly output: Tensor; readonly present: KeysValues } {
  const groups = heads / kvHeads;
  const [q, k, v] =
    projections.kind === 'fused'
      ? split(applyMatrix(weight, projections.matrix, x), 1, [heads * headDim, kvHeads * headDim, kvHeads * headDim])
      : [
          applyMatrix(weight, projections.query, x),
          applyMatrix(weight, projections.key, x),
          applyMatrix(weight, projections.value, x),
        ];
  const byHead = (rows: Tensor, count: number) => transpose(reshape(rows, [batch, time, count, headDim]), [0, 2, 1, 3]);
  const turn = (rows: Tensor, count: number) => (rotation ? rotate(rows, count, headDim, rotation) : rows);

  const present = { key: byHead(turn(k!, kvHeads), kvHeads), value: byHead(v!, kvHeads) };
  const key = past ? concat([past.key, present.key], 2) : present.key;
  const value = past ? concat([past.value, present.value], 2) : present.value;
  const seen = key.dims[2]!;

  // Queries of one group sit beside each other, so keys and values are never copied per query head.
  const scaled = mul(turn(q!, heads), 1 / Math.sqrt(headDim));
  const grouped = reshape(byHead(scaled, heads), [batch, kvHeads, mulDims(groups, time), headDim]);
  const scores = reshape(matmul(grouped, transpose(key, [0, 1, 3, 2])), [batch, heads, time, seen]);
  const weights = reshape(softmax(add(scores, bias)), [batch, kvHeads, mulDims(groups, time), seen]);
  const mixed = reshape(matmul(weights, value), [batch, heads, time, headDim]);
  const joined = reshape(transpose(mixed, [0, 2, 1, 3]), [mulDims(batch, time), heads * headDim]);
  return { output: applyMatrix(weight, attentionOutput, joined), present };
}
