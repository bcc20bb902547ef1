// Linear algebra against the identities that define it.

import { afterAll, describe, expect, it } from 'vitest';
import { invertPositive, solvePositive, woodburySolve } from './linalg.ts';
import {
  addProduct,
  identity,
  type Matrix,
  matrix,
  multiply,
  multiplyInto,
  releaseLinalg,
  rowView,
  transposeMatrix,
} from './matrix.ts';
import { configureRuntime, runtimeSettings } from './program.ts';
import { type SymmetricEigen, singularValues, symmetricEigen } from './spectral.ts';
import { lowerOf, wholeOf } from './symmetric.ts';

afterAll(() => releaseLinalg());

function random(rows: number, columns: number, seed: number): Matrix {
  let state = seed >>> 0;
  const out = matrix(rows, columns);
  for (let i = 0; i < out.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out.data[i] = state / 2 ** 31 - 1;
  }
  return out;
}

async function positive(n: number, seed: number): Promise<Matrix> {
  const a = random(n, n, seed);
  const product = await multiply(a, a, { transB: true });
  for (let i = 0; i < n; i++) product.data[i * n + i]! += 0.5;
  return product;
}

function worst(a: Matrix, b: Matrix): number {
  expect([a.rows, a.columns]).toEqual([b.rows, b.columns]);
  let most = 0;
  for (let i = 0; i < a.data.length; i++) most = Math.max(most, Math.abs(a.data[i]! - b.data[i]!));
  return most;
}

/** Within a strip, over its border by one, and over two. */
const sizes = [7, 129, 290];

async function inverseOf(a: Matrix): Promise<Matrix> {
  const inverse = lowerOf(a);
  await invertPositive(inverse);
  return wholeOf(inverse);
}

describe('multiply', () => {
  for (const [transA, transB] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    it(`agrees with the sum over the inner index (transA ${transA}, transB ${transB}), small and large`, async () => {
      for (const [m, k, n] of [
        [3, 5, 4],
        [40, 61, 52],
      ] as const) {
        const a = random(transA ? k : m, transA ? m : k, 1);
        const b = random(transB ? n : k, transB ? k : n, 2);
        const expected = matrix(m, n);
        for (let i = 0; i < m; i++)
          for (let j = 0; j < n; j++)
            for (let l = 0; l < k; l++)
              expected.data[i * n + j]! +=
                a.data[transA ? l * m + i : i * k + l]! * b.data[transB ? j * k + l : l * n + j]!;
        expect(worst(await multiply(a, b, { transA, transB }), expected)).toBeLessThan(1e-13);
        // Over rows that stand between others, and added to what is there.
        const held = random(m + 2, n, 3);
        const before = held.data.slice();
        const target = rowView(held, 1, m + 1);
        await multiplyInto(target, a, b, { transA, transB });
        expect(worst(target, expected)).toBeLessThan(1e-13);
        await addProduct(target, a, b, { transA, transB });
        expect(
          worst(
            target,
            matrix(
              m,
              n,
              expected.data.map((x) => 2 * x),
            ),
          ),
        ).toBeLessThan(1e-13);
        for (const i of [...Array(n).keys(), ...Array.from({ length: n }, (_, j) => (m + 1) * n + j)])
          expect(held.data[i]).toBe(before[i]);
      }
    });
  }

  it('names the sizes that do not fit', async () => {
    await expect(multiply(matrix(2, 3), matrix(4, 2))).rejects.toThrow(/inner sizes 3 and 4.*\[2, 3\] \[4, 2\]/);
    await expect(addProduct(matrix(3, 2), matrix(2, 3), matrix(3, 2))).rejects.toThrow(/another shape.*\[3, 2\]/);
  });
});

describe.each(sizes)('positive definite matrices of size %i', (n) => {
  it('are solved, and inverted', async () => {
    const a = await positive(n, 4);
    const b = random(n, 3, 5);
    expect(worst(await multiply(a, await solvePositive(a, b)), b)).toBeLessThan(1e-9);
    const inverse = await inverseOf(a);
    expect(worst(await multiply(a, inverse), identity(n))).toBeLessThan(1e-9);
    expect(worst(inverse, transposeMatrix(inverse))).toBe(0);
  });

  it('take further keys by the Woodbury identity as by a solve of the whole', async () => {
    const c = await positive(n, 8);
    const keys = random(n, 5, 9);
    const lambda = 3;
    const whole = await multiply(keys, keys, { transB: true });
    for (let i = 0; i < whole.data.length; i++) whole.data[i]! += lambda * c.data[i]!;
    const direct = await solvePositive(whole, keys);
    const quick = await woodburySolve(await inverseOf(c), keys, lambda);
    expect(worst(quick, direct)).toBeLessThan(1e-10);
  });
});

describe('a matrix that is not positive definite', () => {
  it('is refused with the pivot, counted over the whole matrix', async () => {
    const a = identity(150);
    a.data[140 * 150 + 140] = -1;
    await expect(solvePositive(a, identity(150))).rejects.toMatchObject({
      code: 'not_positive_definite',
      message: expect.stringMatching(/pivot 140/),
    });
  });
});

describe('symmetricEigen', () => {
  const symmetric = (n: number): Matrix => {
    const r = random(n, n, 10 + n);
    return matrix(
      n,
      n,
      r.data.map((x, i) => x + r.data[(i % n) * n + Math.floor(i / n)]!),
    );
  };

  const expectDecomposed = async (a: Matrix) => {
    const n = a.rows;
    const { values, vectors } = await symmetricEigen(a);
    expect([...values]).toEqual([...values].sort((x, y) => y - x));
    expect(worst(await multiply(vectors, vectors, { transA: true }), identity(n))).toBeLessThan(1e-12);
    const scaled = matrix(
      n,
      n,
      vectors.data.map((x, i) => x * values[i % n]!),
    );
    expect(worst(await multiply(scaled, vectors, { transB: true }), a)).toBeLessThan(1e-12 * n);
    return values;
  };

  // Within a panel of rows, over its border by one, and over those of reflections, sweeps and strips.
  it.each([1, 2, 9, 33, 60, 290])('decomposes a matrix of size %i into orthonormal vectors', async (n) => {
    await expectDecomposed(symmetric(n));
  });

  it('handles diagonal and repeated eigenvalues, and matrices of low rank', async () => {
    const a = matrix(3, 3, Float64Array.of(2, 0, 0, 0, 5, 0, 0, 0, 2));
    expect([...(await symmetricEigen(a)).values]).toEqual([5, 2, 2]);
    expect([...(await expectDecomposed(identity(150)))]).toEqual(Array(150).fill(1));
    const few = random(150, 4, 40);
    const values = await expectDecomposed(await multiply(few, few, { transB: true }));
    expect(values.filter((value) => value > 1e-10 * values[0]!).length).toBe(4);
  });

  it('gives the same bits whatever the number of threads', async () => {
    const before = runtimeSettings();
    const found: SymmetricEigen[] = [];
    for (const threads of [1, 2, 5]) {
      await releaseLinalg();
      configureRuntime({ threads });
      found.push(await symmetricEigen(symmetric(290)));
    }
    configureRuntime(before);
    await releaseLinalg();
    for (const one of found.slice(1)) expect(one).toEqual(found[0]);
  });
});

describe('singularValues', () => {
  it.each([
    [6, 4],
    [4, 6],
    [5, 5],
  ])('recomposes a %i x %i matrix', async (m, n) => {
    const a = random(m, n, 20);
    const { u, values, v } = singularValues(a);
    const scaled = matrix(
      u.rows,
      u.columns,
      u.data.map((x, i) => x * values[i % u.columns]!),
    );
    expect(worst(await multiply(scaled, v, { transB: true }), a)).toBeLessThan(1e-13);
    expect(worst(await multiply(u, u, { transA: true }), identity(Math.min(m, n)))).toBeLessThan(1e-12);
  });

  it('reveal the rank', async () => {
    const a = await multiply(random(12, 3, 30), random(3, 9, 31));
    const { values } = singularValues(a);
    expect(values.filter((value) => value > 1e-12 * values[0]!).length).toBe(3);
  });
});
