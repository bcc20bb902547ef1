// Canonical correlations of two samples that belong together row by row (Hotelling 1936, Relations Between Two Sets of Variates).
import { type Matrix, matrix, multiply, symmetricEigen, transposeMatrix } from '@errata/graph';

/** Of the mean variance, added to each: directions in which a few thousand texts hardly differ are not fitted to. */
const ridge = 0.01;

/** A sample less its mean, and W with W·Cov·Wᵀ = 1, but for the ridge. */
export async function whitened(sample: Matrix) {
  const { rows, columns, data } = sample;
  const mean = new Float64Array(columns);
  for (const [at, value] of data.entries()) mean[at % columns]! += value / rows;
  const centred = matrix(
    rows,
    columns,
    data.map((value, at) => value - mean[at % columns]!),
  );
  const moment = await multiply(centred, centred, { transA: true });
  const { values, vectors } = await symmetricEigen(moment);
  const least = (ridge * values.reduce((a, b) => a + b, 0)) / columns;
  const whitening = transposeMatrix(vectors);
  for (const at of whitening.data.keys())
    whitening.data[at]! *= Math.sqrt(rows / (Math.max(0, values[Math.floor(at / columns)]!) + least));
  return { mean, centred, whitening };
}

/** Rows of a matrix, each repeated. */
export function repeated({ columns, data }: Matrix, owners: readonly number[]): Matrix {
  const out = matrix(owners.length, columns);
  for (const [row, owner] of owners.entries())
    out.data.set(data.subarray(owner * columns, (owner + 1) * columns), row * columns);
  return out;
}

export type Whitened = Awaited<ReturnType<typeof whitened>>;

/**
 * The first canonical directions of two samples that belong together row by row: maps to as many numbers each, which are uncorrelated
 * but for those of one index, and how correlated these are.
 */
export async function canonical(a: Whitened, b: Whitened, count: number) {
  const product = await multiply(a.centred, b.centred, { transA: true });
  for (const at of product.data.keys()) product.data[at]! /= a.centred.rows;
  const between = await multiply(await multiply(a.whitening, product), b.whitening, { transB: true });
  const { values, vectors } = await symmetricEigen(await multiply(between, between, { transB: true }));
  const left = rowsOf(transposeMatrix(vectors), count);
  const right = await multiply(left, between);
  const correlations = Array.from(values.subarray(0, count), (value) => Math.sqrt(Math.max(value, 1e-12)));
  for (const [row, rho] of correlations.entries()) scaleRow(right, row, 1 / rho);
  return {
    a: await multiply(left, a.whitening),
    b: await multiply(right, b.whitening),
    // Noise may have brought an estimate to 1.
    correlations: correlations.map((rho) => Math.min(rho, 0.98)),
  };
}

const rowsOf = ({ columns, data }: Matrix, count: number): Matrix =>
  matrix(count, columns, data.slice(0, count * columns));

export function scaleRow({ columns, data }: Matrix, row: number, factor: number): void {
  for (let column = 0; column < columns; column++) data[row * columns + column]! *= factor;
}

/** The map to M(x - mean), M of zeros but for some rows: its weight `[out, in]` and bias. */
export function linearMap(
  out: number,
  maps: readonly (readonly [from: number, rows: Matrix])[],
  mean: Float64Array,
): { readonly weight: Float32Array; readonly bias: Float32Array } {
  const { length: size } = mean;
  const weight = new Float32Array(out * size);
  for (const [from, { data }] of maps) weight.set(data, from * size);
  const bias = new Float32Array(out);
  for (const [at, value] of weight.entries()) bias[Math.floor(at / size)]! -= value * mean[at % size]!;
  return { weight, bias };
}
