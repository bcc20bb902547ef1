// The main directions in which the rows of a matrix lie on the sphere, and what is left of a change once it is weakened along them.
import { type Matrix, matrix, multiply, symmetricEigen, transposeMatrix } from '@errata/graph';

/**
 * The leading eigenvectors, `[columns, r]`, of the mean of w w^T over the rows w of a matrix, each made of length 1: as few as make up
 * more than a share of all (SPHERE, section 4). Found from the products of rows with one another, of which there are fewer than elements.
 */
export async function mainDirections(rows: Matrix, share: number): Promise<Matrix> {
  const { rows: count, columns } = rows;
  const unit = matrix(count, columns, rows.data.slice());
  for (let i = 0; i < count; i++) {
    const row = unit.data.subarray(i * columns, (i + 1) * columns);
    const length = Math.hypot(...row) + 1e-8;
    for (let j = 0; j < columns; j++) row[j]! /= length;
  }
  const { values, vectors } = await symmetricEigen(await multiply(unit, unit, { transB: true }));
  const total = values.reduce((sum, x) => sum + x, 0);
  let kept = 0;
  for (let sum = values[0]!; kept < count - 1 && sum / total <= share; sum += values[kept]!) kept++;
  const leading = matrix(count, kept + 1);
  for (let i = 0; i < count; i++)
    for (let j = 0; j <= kept; j++)
      leading.data[i * (kept + 1) + j] = vectors.data[i * count + j]! / Math.sqrt(values[j]!);
  return multiply(transposeMatrix(unit), leading);
}

/** (I - strength U U^T) X for columns X, `[n, m]`, and orthonormal U, `[n, r]`. */
export async function weakened(columns: Matrix, directions: Matrix, strength: number): Promise<Matrix> {
  const along = await multiply(directions, await multiply(directions, columns, { transA: true }));
  return { ...columns, data: columns.data.map((x, i) => x - strength * along.data[i]!) };
}
