// Sums of aᵀ·a over rows that come piece by piece, in float64: symmetric, so that half of each product is all there is to compute.

import { type Matrix, matrix, multiply } from './matrix.ts';

/** Columns that are multiplied with columns at a time. Narrower strips leave out more of the upper triangle, and are slower products. */
const stripWidth = 256;
/** Rows that are turned at a time, so that what is read and what is written stay in the cache. */
const rowsAtOnce = 16;

/** Columns from `start` on of rows of `width` elements, in float64, a row each: products of rows with rows are the fastest, by a third. */
function strip(rows: Float32Array | Float64Array, width: number, start: number): Matrix {
  const count = rows.length / width;
  const out = matrix(Math.min(stripWidth, width - start), count);
  for (let first = 0; first < count; first += rowsAtOnce) {
    const end = Math.min(first + rowsAtOnce, count);
    for (let column = 0; column < out.rows; column++)
      for (let row = first; row < end; row++) out.data[column * count + row] = rows[row * width + start + column]!;
  }
  return out;
}

/**
 * Adds aᵀ·a to the lower triangle of a symmetric sum, in place; what stands above it is for `mirrorLower` to fill. Products of float32
 * numbers are exact in float64.
 * @param sum `[width, width]`
 * @param rows a, `[n, width]` row-major
 */
export async function addGram(sum: Matrix, rows: Float32Array | Float64Array): Promise<void> {
  const { columns: width, data } = sum;
  const strips: Matrix[] = [];
  for (let start = 0; start < width; start += stripWidth) strips.push(strip(rows, width, start));
  for (const [i, left] of strips.entries()) {
    for (const [j, right] of strips.slice(0, i + 1).entries()) {
      const product = await multiply(left, right, { transB: true });
      for (let row = 0; row < product.rows; row++) {
        const to = (i * stripWidth + row) * width + j * stripWidth;
        const from = row * product.columns;
        for (let k = 0; k < product.columns; k++) data[to + k]! += product.data[from + k]!;
      }
    }
  }
}
