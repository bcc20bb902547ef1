// MEMIT's update of one layer in closed form: the least change that moves many keys' values by given residuals.
import { type Matrix, matrix, multiply, solvePositive, transposeMatrix, woodburySolve } from '@errata/graph';
import type { SecondMoment } from '../artefacts/second-moment/second-moment.ts';

/** W (keys to values) gains keySide valueSide: `[d_ff, u]` times `[u, d]`. */
export interface LeastSquaresUpdate {
  /** (lambda C + K K^T)^-1 K, `[d_ff, u]`. */
  readonly keySide: Matrix;
  /** R^T, `[u, d]`. */
  readonly valueSide: Matrix;
}

/**
 * Delta = R K^T (lambda C + K K^T)^-1 (MEMIT, equation 14), kept as its two factors. With a stored C^-1 the Woodbury identity
 * solves u x u equations instead of d_ff x d_ff; with more keys than dimensions that no longer pays.
 * @param keys K^T, one row an edit
 * @param residuals R^T, one row an edit
 * @param weight lambda
 */
export async function leastSquaresUpdate(
  keys: readonly Float64Array[],
  residuals: readonly Float64Array[],
  moment: Pick<SecondMoment, 'size' | 'moment' | 'inverse'>,
  weight: number,
): Promise<LeastSquaresUpdate> {
  const valueSide = rowsToMatrix(residuals);
  const columns = transposeMatrix(rowsToMatrix(keys));
  const { size } = moment;
  if (keys.length < size) {
    return { keySide: await woodburySolve(matrix(size, size, moment.inverse), columns, weight), valueSide };
  }
  const system = await multiply(columns, columns, { transB: true });
  for (let i = 0; i < system.data.length; i++) system.data[i]! += weight * moment.moment[i]!;
  return { keySide: await solvePositive(system, columns), valueSide };
}

/** Vectors as the rows of a matrix. */
export function rowsToMatrix(rows: readonly Float64Array[]): Matrix {
  const out = matrix(rows.length, rows[0]!.length);
  for (const [i, row] of rows.entries()) out.data.set(row, i * row.length);
  return out;
}
