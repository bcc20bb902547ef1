// Symmetric matrices by their lower triangle: to a whole and back, and sums of products of rows with themselves, against the sums over the rows one by one.

import { afterAll, expect, it } from 'vitest';
import { matrix, releaseLinalg } from './matrix.ts';
import { addGram, addToDiagonal, diagonalOf, lowerOf, symmetric, symmetricLength, wholeOf } from './symmetric.ts';

afterAll(() => releaseLinalg());

/** Within a strip, at its border, over it by one, and over several. */
const sizes = [1, 20, 128, 129, 300];

it.each(sizes)('%i rows stand in one piece, of which no more than a strip lies above the diagonal', (n) => {
  const whole = matrix(
    n,
    n,
    Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return Math.max(i, j) * n + Math.min(i, j);
    }),
  );
  const half = lowerOf(whole);
  expect(half.data.length).toBe(symmetricLength(n));
  expect(half.data.length).toBeLessThanOrEqual((n * (n + 128)) / 2 + 128 * 128);
  expect(wholeOf(half)).toEqual(whole);
  expect(wholeOf(symmetric(n, half.data))).toEqual(whole);
  addToDiagonal(half, 0.5);
  expect([...diagonalOf(half)]).toEqual(Array.from({ length: n }, (_, i) => i * n + i + 0.5));
});

it.each(sizes)('a sum of rows of %i elements that come in pieces is exact where its numbers are', async (n) => {
  let state = 7;
  const rows = Float32Array.from({ length: 1090 * n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Sixteen bits: their products, and sums of a thousand, are exact in float64 and not in float32.
    return (state >>> 16) - 2 ** 15;
  });
  const sum = symmetric(n);
  await addGram(sum, rows.subarray(0, 1050 * n));
  await addGram(sum, Float64Array.from(rows.subarray(1050 * n)));
  const { data } = wholeOf(sum);
  for (let i = 0; i < n; i += 17)
    for (let j = 0; j < n; j += 13) {
      let expected = 0;
      for (let row = 0; row < 1090; row++) expected += rows[row * n + i]! * rows[row * n + j]!;
      expect(data[i * n + j]).toBe(expected);
    }
});
