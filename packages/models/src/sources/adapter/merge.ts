// Merging LoRA (Hu et al. 2021): W + scale B A, in float32.

import type { ComputedTensor } from '../computed.ts';

/** The low-rank change of one matrix. */
export interface LowRankChange {
  /** [rank, in] */
  readonly down: ComputedTensor;
  /** [out, rank] */
  readonly up: ComputedTensor;
  readonly scale: number;
  /** Whether the matrix that it changes is stored [in, out], as GPT-2's Conv1D and embeddings are. */
  readonly transposed: boolean;
}

/** The shape of the matrix that a change is for. */
export function changedShape({ down, up, transposed }: LowRankChange): readonly [number, number] {
  const [out, into] = [up.shape[0]!, down.shape[1]!];
  return transposed ? [into, out] : [out, into];
}

/**
 * A change of a linear map as a product: y = x (W + left right), however W is stored. The scale is in the right factor.
 * @param orientation how the matrix is stored
 * @returns left `[in, rank]`, right `[rank, out]`
 */
export function productOf(
  { down, up, scale, transposed }: LowRankChange,
  orientation: 'in_out' | 'out_in',
): { readonly rank: number; readonly left: Float32Array; readonly right: Float32Array } {
  const [rank, columns] = down.shape as [number, number];
  const rows = up.shape[0]!;
  const [a, b] = [down.read(), up.read()];
  // What is stored is B A, or its transpose; the map is that, or its transpose.
  const turned = transposed === (orientation === 'in_out');
  const left = turned ? transpose(a, rank, columns) : b;
  const right = turned ? transpose(b, rows, rank) : a;
  return { rank, left, right: right.map((value) => scale * value) };
}

/**
 * Adds a change to a matrix in place. Products are summed in float64 and rounded once.
 * @param weight [rows, columns], as {@link changedShape} says
 */
export function addChange(weight: Float32Array, change: LowRankChange): void {
  const [rows, columns] = changedShape(change);
  const [rank] = change.down.shape as [number, number];
  const [down, up] = [change.down.read(), change.up.read()];
  const left = change.transposed ? transpose(down, rank, rows) : up;
  const right = change.transposed ? transpose(up, columns, rank) : down;
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = left[row * rank + k]!;
      const from = k * columns;
      for (let column = 0; column < columns; column++) sums[column] = sums[column]! + factor * right[from + column]!;
    }
    const at = row * columns;
    for (let column = 0; column < columns; column++) {
      weight[at + column] = weight[at + column]! + change.scale * sums[column]!;
    }
  }
}

/** @param matrix [rows, columns] */
function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) turned[column * rows + row] = matrix[row * columns + column]!;
  return turned;
}
