// AlphaEdit's update of one layer: the least change off the text's directions that moves new keys by residuals and leaves earlier ones.
import { type Matrix, matrix, multiply, solvePositive, transposeMatrix } from '@errata/graph';
import { countAtLeast, type Eigenbasis, projectOff } from '../artefacts/eigenbasis/eigenbasis.ts';
import { type LeastSquaresUpdate, rowsToMatrix } from './least-squares.ts';

export interface ProjectionSettings {
  /** Eigenvalue from which on a direction is left as it is. */
  readonly threshold: number;
  /** L2. */
  readonly ridge: number;
}

/**
 * Delta^T = (P (K K^T + K_p K_p^T) + L2 I)^-1 P K R^T (AlphaEdit, equation 14), with P the projection onto the eigenvectors of C below the
 * threshold. With A = [K K_p] and B = P A, since P P = P = P^T, it is B (B^T B + L2 I)^-1 E R^T, E picking the columns of K: as many
 * unknowns as there are keys.
 * @param keys K^T, one row an edit
 * @param residuals R^T, one row an edit
 * @param earlier K_p^T, keys of edits that are to stay as they are
 */
export async function projectedUpdate(
  keys: readonly Float64Array[],
  residuals: readonly Float64Array[],
  earlier: readonly Float64Array[],
  basis: Eigenbasis,
  { threshold, ridge }: ProjectionSettings,
): Promise<LeastSquaresUpdate> {
  const all = transposeMatrix(rowsToMatrix([...keys, ...earlier]));
  const projected = await projectOff(basis, countAtLeast(basis, threshold), all);
  const system = await multiply(projected, projected, { transA: true });
  for (let i = 0; i < system.rows; i++) system.data[i * system.columns + i]! += ridge;
  const chosen = await solvePositive(system, unitColumns(system.rows, keys.length));
  return { keySide: await multiply(projected, chosen), valueSide: rowsToMatrix(residuals) };
}

/** ||P k||^2 of each key: its leverage where nothing has been edited yet. */
export async function projectedLengths(
  keys: readonly Float64Array[],
  basis: Eigenbasis,
  threshold: number,
): Promise<readonly number[]> {
  const columns = transposeMatrix(rowsToMatrix(keys));
  const { data } = await projectOff(basis, countAtLeast(basis, threshold), columns);
  return keys.map((_, i) => {
    let sum = 0;
    for (let at = i; at < data.length; at += keys.length) sum += data[at]! ** 2;
    return sum;
  });
}

/** The first `columns` columns of the identity. */
function unitColumns(rows: number, columns: number): Matrix {
  const out = matrix(rows, columns);
  for (let i = 0; i < columns; i++) out.data[i * columns + i] = 1;
  return out;
}
