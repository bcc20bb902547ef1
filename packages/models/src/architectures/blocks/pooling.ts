// From the hidden states of a text's tokens to one vector for the text.

import { add, type Dim, div, matmul, reduceSum, reshape, sqrt, square, type Tensor } from '@errata/graph';

/** Which tokens speak for a text: all of them alike, or the first, which encoders put there for it. */
export type Pooling = 'mean' | 'cls';

/** Weights of tokens for {@link pool}, `[lengths.length * time]`, padding having none. */
export function poolingWeights(pooling: Pooling, lengths: readonly number[], time: number): Float32Array {
  const weights = new Float32Array(lengths.length * time);
  for (const [row, length] of lengths.entries()) {
    if (pooling === 'cls') weights[row * time] = 1;
    else weights.fill(1 / length, row * time, row * time + length);
  }
  return weights;
}

/** Weighted sums over tokens, `[B, width]`. @param hidden `[B*T, width]` @param weights `[B, 1, T]` */
export function pool(hidden: Tensor, weights: Tensor, batch: Dim, time: Dim): Tensor {
  const width = hidden.dims[1]!;
  return reshape(matmul(weights, reshape(hidden, [batch, time, width])), [batch, width]);
}

/** Rows of length 1; a row of zeros stays one. */
export function unitRows(x: Tensor): Tensor {
  // Far below what float32 can tell from the squares of any real row.
  return div(x, sqrt(add(reduceSum(square(x), [1], true), 1e-24)));
}
