// Eigenvalues of symmetric matrices and singular values, in float64, for matrices of up to some thousands of rows.

import { GraphError } from './errors.ts';
import { type Matrix, matrix, transposeMatrix } from './matrix.ts';
import { sweepsOf } from './sweeps.ts';
import { type Tridiagonal, tridiagonalise } from './tridiagonal.ts';

/** a = V·diag(values)·Vᵀ. */
export interface SymmetricEigen {
  /** Descending. */
  readonly values: Float64Array;
  /** Orthonormal, one a column, in the order of the values. */
  readonly vectors: Matrix;
}

/** Implicit QL with Wilkinson shifts on a tridiagonal matrix; rotations are applied to the rows of `z`. Leaves the eigenvalues in `d`. */
async function diagonalise(z: Matrix, { diagonal: d, off: e }: Tridiagonal): Promise<void> {
  const n = z.rows;
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  const sweeps = sweepsOf(z);
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) m++;
      if (m === l) break;
      if (sweep === 60)
        throw new GraphError('not_converged', `eigenvalue ${l} did not settle`, { where: 'symmetricEigen' });
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      const r = Math.hypot(g, 1);
      g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
      let [s, c, p] = [1, 1, 0];
      let underflow = false;
      await sweeps.begin();
      for (let i = m - 1; i >= l; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        const length = Math.hypot(f, g);
        e[i + 1] = length;
        if (length === 0) {
          d[i + 1]! -= p;
          e[m] = 0;
          underflow = true;
          break;
        }
        s = f / length;
        c = g / length;
        g = d[i + 1]! - p;
        const t = (d[i]! - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        sweeps.turn(i, c, s);
      }
      if (underflow) continue;
      d[l]! -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  await sweeps.end();
}

/** (row a, row b) ← (c·a - s·b, s·a + c·b) */
function rotateRows(z: Float64Array, n: number, a: number, b: number, c: number, s: number): void {
  const [from, to] = [a * n, b * n];
  for (let k = 0; k < n; k++) {
    const x = z[from + k]!;
    const y = z[to + k]!;
    z[from + k] = c * x - s * y;
    z[to + k] = s * x + c * y;
  }
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix (only its lower triangle is read): Householder tridiagonalisation, then
 * implicit QL.
 * @throws GraphError `not_converged`
 */
export async function symmetricEigen(a: Matrix): Promise<SymmetricEigen> {
  const n = a.rows;
  if (n !== a.columns)
    throw new GraphError('shape_mismatch', 'needs a square matrix', {
      where: 'symmetricEigen',
      shapes: [[a.rows, a.columns]],
    });
  const z = matrix(n, n, a.data.slice());
  const tridiagonal = await tridiagonalise(z);
  await diagonalise(z, tridiagonal);
  const d = tridiagonal.diagonal;
  const order = Array.from(d, (_, i) => i).sort((i, j) => d[j]! - d[i]!);
  const vectors = matrix(n, n);
  for (const [column, source] of order.entries())
    for (let k = 0; k < n; k++) vectors.data[k * n + column] = z.data[source * n + k]!;
  return { values: Float64Array.from(order, (i) => d[i]!), vectors };
}

/** a = U·diag(values)·Vᵀ with min(rows, columns) columns in U and V. */
export interface SingularValues {
  readonly u: Matrix;
  /** Descending, not negative. */
  readonly values: Float64Array;
  readonly v: Matrix;
}

/**
 * Thin singular value decomposition by one-sided Jacobi rotations (Hestenes 1958): accurate for small singular values too,
 * so that the rank can be read off. Columns of U that belong to a zero singular value are zero.
 * @throws GraphError `not_converged`
 */
export function singularValues(a: Matrix): SingularValues {
  if (a.rows < a.columns) {
    const { u, values, v } = singularValues(transposeMatrix(a));
    return { u: v, values, v: u };
  }
  const [m, n] = [a.rows, a.columns];
  const columns = transposeMatrix(a).data;
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  const dot = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < m; k++) sum += columns[i * m + k]! * columns[j * m + k]!;
    return sum;
  };
  for (let sweep = 0, turned = true; turned; sweep++) {
    if (sweep === 60) throw new GraphError('not_converged', 'rotations did not settle', { where: 'singularValues' });
    turned = false;
    for (let i = 0; i < n - 1; i++) {
      for (let j = i + 1; j < n; j++) {
        const [alpha, beta, gamma] = [dot(i, i), dot(j, j), dot(i, j)];
        if (gamma === 0 || Math.abs(gamma) <= 1e-15 * Math.sqrt(alpha * beta)) continue;
        turned = true;
        const zeta = (beta - alpha) / (2 * gamma);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        rotateRows(columns, m, i, j, c, c * t);
        rotateRows(v, n, i, j, c, c * t);
      }
    }
  }
  const norms = Float64Array.from({ length: n }, (_, i) => Math.sqrt(dot(i, i)));
  const order = Array.from(norms, (_, i) => i).sort((i, j) => norms[j]! - norms[i]!);
  const [left, right] = [matrix(m, n), matrix(n, n)];
  for (const [column, source] of order.entries()) {
    const norm = norms[source]!;
    for (let k = 0; k < m; k++) left.data[k * n + column] = norm === 0 ? 0 : columns[source * m + k]! / norm;
    for (let k = 0; k < n; k++) right.data[k * n + column] = v[source * n + k]!;
  }
  return { u: left, values: Float64Array.from(order, (i) => norms[i]!), v: right };
}
