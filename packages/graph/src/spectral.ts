// Eigenvalues of symmetric matrices and singular values, in float64, for matrices of up to some thousands of rows.

import { GraphError } from './errors.ts';
import { type Matrix, matrix, transposeMatrix } from './linalg.ts';

/** a = V·diag(values)·Vᵀ. */
export interface SymmetricEigen {
  /** Descending. */
  readonly values: Float64Array;
  /** Orthonormal, one a column, in the order of the values. */
  readonly vectors: Matrix;
}

/**
 * Householder reduction of a symmetric matrix in `z` to tridiagonal form. `z` becomes the transformation, transposed: the
 * rotations that follow then run over rows, which lie together in memory.
 */
function tridiagonalise(z: Float64Array, n: number, diagonal: Float64Array, off: Float64Array): void {
  // Reflectors live in the rows of z that they clear, from the last row up.
  for (let i = n - 1; i > 0; i--) {
    const row = z.subarray(i * n, i * n + i);
    let norm = 0;
    for (const x of row) norm = Math.hypot(norm, x);
    if (row.subarray(0, i - 1).every((x) => x === 0)) {
      off[i] = row[i - 1]!;
      diagonal[i] = 0;
      continue;
    }
    const alpha = row[i - 1]! > 0 ? -norm : norm;
    off[i] = alpha;
    const scale = norm * (norm + Math.abs(row[i - 1]!));
    row[i - 1]! -= alpha;
    // p = A·v / scale over the leading i rows, of which only the lower triangle is kept.
    const p = new Float64Array(i);
    for (let r = 0; r < i; r++) {
      let sum = 0;
      const v = row[r]!;
      for (let c = 0; c < r; c++) {
        sum += z[r * n + c]! * row[c]!;
        p[c]! += z[r * n + c]! * v;
      }
      p[r]! += sum + z[r * n + r]! * v;
    }
    let along = 0;
    for (let r = 0; r < i; r++) {
      p[r]! /= scale;
      along += p[r]! * row[r]!;
    }
    const half = along / (2 * scale);
    for (let r = 0; r < i; r++) p[r]! -= half * row[r]!;
    for (let r = 0; r < i; r++) {
      const v = row[r]!;
      const q = p[r]!;
      for (let c = 0; c <= r; c++) z[r * n + c]! -= v * p[c]! + q * row[c]!;
    }
    diagonal[i] = scale;
  }
  // diagonal[i] holds each reflector's scale until its row of the transformation is built.
  const scales = diagonal.slice();
  for (let i = 0; i < n; i++) {
    const row = z.slice(i * n, i * n + i);
    diagonal[i] = z[i * n + i]!;
    if (i > 0 && scales[i] !== 0) {
      for (let r = 0; r < i; r++) {
        let sum = 0;
        for (let c = 0; c < i; c++) sum += z[r * n + c]! * row[c]!;
        sum /= scales[i]!;
        for (let c = 0; c < i; c++) z[r * n + c]! -= sum * row[c]!;
      }
    }
    z.fill(0, i * n, i * n + i);
    for (let r = 0; r < i; r++) z[r * n + i] = 0;
    z[i * n + i] = 1;
  }
}

/** Implicit QL with Wilkinson shifts on a tridiagonal matrix; rotations are applied to the rows of `z`. */
function diagonalise(z: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  const rotations = rotationsOf(z, n);
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
        rotations.add(i, c, s);
      }
      if (underflow) continue;
      d[l]! -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  rotations.apply();
}

/** Columns that are turned together: so many of all rows stay in the cache while rotation after rotation passes over them. */
const columnsAtOnce = 64;

/** Rotations of neighbouring rows, which wait until there are many: the numbers are those of turning whole rows at once. */
function rotationsOf(z: Float64Array, n: number) {
  const most = 16 * n;
  const rows = new Int32Array(most);
  const [cosines, sines] = [new Float64Array(most), new Float64Array(most)];
  let count = 0;
  const apply = () => {
    for (let start = 0; start < n; start += columnsAtOnce) {
      const width = Math.min(columnsAtOnce, n - start);
      for (let r = 0; r < count; r++) {
        const from = rows[r]! * n + start;
        const c = cosines[r]!;
        const s = sines[r]!;
        for (let k = from; k < from + width; k++) {
          const x = z[k]!;
          const y = z[k + n]!;
          z[k] = c * x - s * y;
          z[k + n] = s * x + c * y;
        }
      }
    }
    count = 0;
  };
  /** (row, row + 1) ← (c·row - s·next, s·row + c·next) */
  const add = (row: number, c: number, s: number) => {
    if (count === most) apply();
    rows[count] = row;
    cosines[count] = c;
    sines[count] = s;
    count++;
  };
  return { add, apply };
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
export function symmetricEigen(a: Matrix): SymmetricEigen {
  const n = a.rows;
  if (n !== a.columns)
    throw new GraphError('shape_mismatch', 'needs a square matrix', {
      where: 'symmetricEigen',
      shapes: [[a.rows, a.columns]],
    });
  const z = a.data.slice();
  const [d, e] = [new Float64Array(n), new Float64Array(n)];
  tridiagonalise(z, n, d, e);
  diagonalise(z, n, d, e);
  const order = Array.from(d, (_, i) => i).sort((i, j) => d[j]! - d[i]!);
  const vectors = matrix(n, n);
  for (const [column, source] of order.entries())
    for (let k = 0; k < n; k++) vectors.data[k * n + column] = z[source * n + k]!;
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
