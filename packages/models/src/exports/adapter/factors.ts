// The change of a linear map as a product of two thin matrices: of the rank that it has, or the best of a lower one.

import {
  type Matrix,
  matrix as makeMatrix,
  multiply,
  singularValues,
  symmetricEigen,
  transposeMatrix,
} from '@errata/graph';
import type { MatrixRef } from '../../architectures/blocks/refs.ts';
import type { LowRankDelta } from '../../deltas/low-rank.ts';
import type { View } from '../../running/view.ts';
import { refuseExport } from '../form.ts';

/** x (W + change) = x W + (x downᵀ) upᵀ, whichever way round W is stored. */
export interface Factored {
  readonly rank: number;
  /** Rank of the whole change. */
  readonly fullRank: number;
  /** `[rank, in]` */
  readonly down: Float32Array;
  /** `[out, rank]` */
  readonly up: Float32Array;
  /** Frobenius norm of the change, and of what was cut off it. */
  readonly norm: number;
  readonly error: number;
}

/** What is smaller than this beside the largest singular value is rounding: deltas are float32. */
const negligible = 1e-7;

/**
 * The change of one map between two versions.
 * @param rank what it is cut to; without it the deltas must be low rank, and the product is all of them
 * @throws ModelError export_unsupported
 */
export async function factorsOf(
  ref: MatrixRef,
  tensor: string,
  { from, to, rank }: { readonly from: View; readonly to: View; readonly rank: number | undefined },
): Promise<Factored> {
  const own = to.deltas.filter((delta) => 'tensor' in delta && delta.tensor === tensor);
  const thin = own.filter((delta): delta is LowRankDelta => delta.kind === 'low_rank');
  if (thin.length === own.length && own.length > 0) {
    const total = thin.reduce((sum, delta) => sum + delta.rank, 0);
    if (total < Math.min(ref.inSize, ref.outSize)) return cut(await ofProduct(thin, ref, total), rank);
  }
  if (rank === undefined)
    refuseExport(
      tensor,
      own.length === 0
        ? 'what its change is made of is not at hand'
        : thin.length === own.length
          ? 'its changes are of low rank each, and together of as high a rank as the map has'
          : `its change is of the kind ${own.find(({ kind }) => kind !== 'low_rank')!.kind}, not of low rank`,
      'Name a rank to cut it to (--rank R, or rank in the API), or export the version as a checkpoint or a diff',
    );
  return cut(await ofWhole(from.weight(tensor), to.weight(tensor), ref), rank);
}

/** left · right with left's columns times their singular values, and right's rows orthonormal. */
interface Decomposed {
  /** `[in, n]` */
  readonly left: Matrix;
  /** `[n, out]` */
  readonly right: Matrix;
  readonly values: ArrayLike<number>;
}

/** Sums of products L R: an orthonormal basis of each side, and the singular values of what lies between the two. */
async function ofProduct(
  deltas: readonly LowRankDelta[],
  { inSize, outSize }: MatrixRef,
  total: number,
): Promise<Decomposed> {
  // A delta's columns of L and rows of R, each as a row.
  const [lefts, rights] = [makeMatrix(total, inSize), makeMatrix(total, outSize)];
  let at = 0;
  for (const { rank, left, right } of deltas)
    for (let r = 0; r < rank; r++, at++) {
      for (let i = 0; i < inSize; i++) lefts.data[at * inSize + i] = left[i * rank + r]!;
      rights.data.set(right.subarray(r * outSize, (r + 1) * outSize), at * outSize);
    }
  const [l, r] = [orthonormal(lefts), orthonormal(rights)];
  const core = await multiply(l.coordinates, r.coordinates, { transA: true });
  const { u, values, v } = singularValues(core);
  const scaled = makeMatrix(
    u.rows,
    u.columns,
    u.data.map((value, i) => value * values[i % u.columns]!),
  );
  return {
    left: await multiply(l.basis, scaled, { transA: true }),
    right: await multiply(v, r.basis, { transA: true }),
    values,
  };
}

/** Rows as coordinates `[rows, n]` in an orthonormal basis `[n, size]` of what they span: Gram-Schmidt, twice. */
function orthonormal({ rows, columns, data }: Matrix): { readonly basis: Matrix; readonly coordinates: Matrix } {
  const basis: Float64Array[] = [];
  const coordinates: number[][] = [];
  for (let i = 0; i < rows; i++) {
    const rest = data.slice(i * columns, (i + 1) * columns);
    const norm = normOf(rest);
    const own: number[] = basis.map(() => 0);
    for (let pass = 0; pass < 2; pass++)
      for (const [j, direction] of basis.entries()) {
        let dot = 0;
        for (let k = 0; k < columns; k++) dot += rest[k]! * direction[k]!;
        for (let k = 0; k < columns; k++) rest[k]! -= dot * direction[k]!;
        own[j]! += dot;
      }
    const left = normOf(rest);
    // What is left of a row that lies among the others is their rounding.
    if (left > negligible * norm) {
      basis.push(rest.map((value) => value / left));
      own.push(left);
    }
    coordinates.push(own);
  }
  const n = basis.length;
  const [matrix, inIt] = [makeMatrix(n, columns), makeMatrix(rows, n)];
  for (const [j, direction] of basis.entries()) matrix.data.set(direction, j * columns);
  for (const [i, own] of coordinates.entries()) inIt.data.set(own, i * n);
  return { basis: matrix, coordinates: inIt };
}

/** A change that is given whole, by the eigenvectors of its smaller Gram matrix. */
async function ofWhole(before: Float32Array, after: Float32Array, ref: MatrixRef): Promise<Decomposed> {
  const [rows, columns] = ref.orientation === 'in_out' ? [ref.inSize, ref.outSize] : [ref.outSize, ref.inSize];
  const stored = makeMatrix(
    rows,
    columns,
    Float64Array.from(after, (value, i) => value - before[i]!),
  );
  const change = ref.orientation === 'in_out' ? stored : transposeMatrix(stored);
  const wide = change.rows <= change.columns;
  const gram = await multiply(change, change, wide ? { transB: true } : { transA: true });
  const { values: squares, vectors } = await symmetricEigen(gram);
  const values = squares.map((square) => Math.sqrt(Math.max(0, square)));
  if (!wide) return { left: await multiply(change, vectors), right: transposeMatrix(vectors), values };
  return { left: vectors, right: await multiply(vectors, change, { transA: true }), values };
}

function normOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** The largest singular values of a change. */
function cut({ left, right, values }: Decomposed, rank = Infinity): Factored {
  const squares = Array.from(values, (value) => value * value);
  const full = squares.filter((square) => square > (negligible * values[0]!) ** 2).length;
  const kept = Math.min(full, rank);
  const sum = (some: readonly number[]) => Math.sqrt(some.reduceRight((total, square) => total + square, 0));
  const [down, up] = [new Float32Array(kept * left.rows), new Float32Array(right.columns * kept)];
  for (let r = 0; r < kept; r++) {
    for (let i = 0; i < left.rows; i++) down[r * left.rows + i] = left.data[i * left.columns + r]!;
    for (let j = 0; j < right.columns; j++) up[j * kept + r] = right.data[r * right.columns + j]!;
  }
  return {
    rank: kept,
    fullRank: full,
    down,
    up,
    norm: sum(squares),
    error: kept < full ? sum(squares.slice(kept)) : 0,
  };
}
