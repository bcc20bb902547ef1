// Symmetric matrices in float64 by their lower triangle, in half the memory: strips of rows, each in one piece, so that products go straight into them.

import { addProduct, type Matrix, matrix, rowView, turnRows } from './matrix.ts';

/** Rows of a strip. Wider ones are faster products, by a fifth, and leave out less of the upper triangle: a tenth of 1,536 rows. */
const stripRowsOf = (size: number): number => (size < 4096 ? 128 : 256);

/** Rows `start` to `end`. */
export interface Strip {
  readonly start: number;
  readonly end: number;
  /** `[end - start, start]`, what stands left of the block on the diagonal. */
  readonly left: Matrix;
  /** `[end - start, end - start]`, that block; what stands above its diagonal is not read. */
  readonly diagonal: Matrix;
}

/** A symmetric matrix, or a lower triangular one. */
export interface Symmetric {
  readonly size: number;
  /** The strips one behind another, of each its left part and its block. */
  readonly data: Float64Array;
  readonly strips: readonly Strip[];
}

/** Where strips start and end. */
function spansOf(size: number): readonly { readonly start: number; readonly end: number }[] {
  const rows = stripRowsOf(size);
  return Array.from({ length: Math.ceil(size / rows) }, (_, i) => ({
    start: i * rows,
    end: Math.min((i + 1) * rows, size),
  }));
}

/** Elements that a matrix of so many rows is held in. */
export const symmetricLength = (size: number): number =>
  spansOf(size).reduce((sum, { start, end }) => sum + (end - start) * end, 0);

/** A matrix over the given elements (not copied), or zeros. */
export function symmetric(size: number, data: Float64Array = new Float64Array(symmetricLength(size))): Symmetric {
  let at = 0;
  const next = (rows: number, columns: number) => {
    at += rows * columns;
    return matrix(rows, columns, data.subarray(at - rows * columns, at));
  };
  const strips = spansOf(size).map(
    ({ start, end }): Strip => ({
      start,
      end,
      left: next(end - start, start),
      diagonal: next(end - start, end - start),
    }),
  );
  return { size, data, strips };
}

/** A copy of the lower triangle of a matrix. */
export function lowerOf({ rows: n, data }: Matrix): Symmetric {
  const out = symmetric(n);
  for (const { start, end, left, diagonal } of out.strips) {
    for (let i = start; i < end; i++) {
      left.data.set(data.subarray(i * n, i * n + start), (i - start) * start);
      diagonal.data.set(data.subarray(i * n + start, i * n + i + 1), (i - start) * (end - start));
    }
  }
  return out;
}

/** All of it. */
export function wholeOf({ size: n, strips }: Symmetric): Matrix {
  const out = matrix(n, n);
  for (const { start, end, left, diagonal } of strips) {
    const width = end - start;
    for (let i = 0; i < width; i++) {
      out.data.set(left.data.subarray(i * start, (i + 1) * start), (start + i) * n);
      for (let j = 0; j < width; j++)
        out.data[(start + i) * n + start + j] = diagonal.data[Math.max(i, j) * width + Math.min(i, j)]!;
    }
    turnRows(left.data, start, out.data.subarray(start), n);
  }
  return out;
}

/** The elements on the diagonal. */
export function diagonalOf({ size, strips }: Symmetric): Float64Array {
  const out = new Float64Array(size);
  for (const { start, end, diagonal } of strips)
    for (let i = start; i < end; i++) out[i] = diagonal.data[(i - start) * (end - start + 1)]!;
  return out;
}

/** Adds a number to each element on the diagonal. */
export function addToDiagonal({ strips }: Symmetric, x: number): void {
  for (const { start, end, diagonal } of strips)
    for (let i = start; i < end; i++) diagonal.data[(i - start) * (end - start + 1)]! += x;
}

/** Divides all of it by a number. */
export function divideBy({ data }: Symmetric, x: number): void {
  for (let i = 0; i < data.length; i++) data[i]! /= x;
}

/** Adds t·tᵀ to the leading rows, as many as t has: whole strips. */
export async function addOuter({ strips }: Symmetric, t: Matrix): Promise<void> {
  for (const { start, end, left, diagonal } of strips) {
    if (end > t.rows) break;
    const own = rowView(t, start, end);
    await addProduct(left, own, rowView(t, 0, start), { transB: true });
    await addProduct(diagonal, own, own, { transB: true });
  }
}

/** Rows that are turned, and then multiplied, at a time. */
const rowsTogether = 1024;

/**
 * Adds aᵀ·a. Products of float32 numbers are exact in float64.
 * @param rows a, `[n, size]` row-major
 */
export async function addGram(sum: Symmetric, rows: Float32Array | Float64Array): Promise<void> {
  const { size } = sum;
  const count = rows.length / size;
  const held = new Float64Array(size * Math.min(count, rowsTogether));
  for (let start = 0; start < count; start += rowsTogether) {
    const some = rows.subarray(start * size, Math.min(start + rowsTogether, count) * size);
    const n = some.length / size;
    const turned = matrix(size, n, held.subarray(0, size * n));
    turnRows(some, size, turned.data, n);
    await addOuter(sum, turned);
  }
}
