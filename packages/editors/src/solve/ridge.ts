// Ridge regression on keys: the least change of a linear map by which keys come near to what is asked of each.
import { type Matrix, multiply, solvePositive, transposeMatrix } from '@errata/graph';
import type { LeastSquaresUpdate } from './least-squares.ts';

/** A product of a matrix with itself, whose diagonal gains the ridge. */
async function normalMatrix(keys: Matrix, ridge: number, side: 'transA' | 'transB'): Promise<Matrix> {
  const system = await multiply(keys, keys, { [side]: true });
  for (let i = 0; i < system.rows; i++) system.data[i * system.columns + i]! += ridge;
  return system;
}

/**
 * (U U^T + ridge I)^-1 D, `[u, d]`: as many equations as there are keys.
 * @param keys U, `[u, d_ff]` @param wanted D, `[u, d]`
 */
export const solveByKeys = async (keys: Matrix, wanted: Matrix, ridge: number): Promise<Matrix> =>
  solvePositive(await normalMatrix(keys, ridge, 'transB'), wanted);

/**
 * (U^T U + ridge I)^-1 U^T D as its two factors. U^T (U U^T + ridge I)^-1 D is the same: of the two the one that has fewer equations is solved.
 * @param keys U, `[u, d_ff]` @param wanted D, `[u, d]`
 */
export async function ridgeUpdate(keys: Matrix, wanted: Matrix, ridge: number): Promise<LeastSquaresUpdate> {
  const columns = transposeMatrix(keys);
  if (keys.rows < keys.columns) return { keySide: columns, valueSide: await solveByKeys(keys, wanted, ridge) };
  return { keySide: await solvePositive(await normalMatrix(keys, ridge, 'transA'), columns), valueSide: wanted };
}
