// Sums of products of rows with themselves, against the sums over the rows one by one.

import { afterAll, expect, it } from 'vitest';
import { addGram } from './gram.ts';
import { matrix, mirrorLower, releaseLinalg } from './matrix.ts';

afterAll(() => releaseLinalg());

it.each([1, 20, 600])('a sum of rows of %i elements that come in pieces is exact where its numbers are', async (n) => {
  let state = 7;
  const rows = Float32Array.from({ length: 90 * n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Sixteen bits: their products, and sums of a few, are exact in float64 and not in float32.
    return (state >>> 16) - 2 ** 15;
  });
  const sum = matrix(n, n);
  await addGram(sum, rows.subarray(0, 50 * n));
  await addGram(sum, Float64Array.from(rows.subarray(50 * n)));
  mirrorLower(sum);
  for (let i = 0; i < n; i += 17)
    for (let j = 0; j < n; j += 13) {
      let expected = 0;
      for (let row = 0; row < 90; row++) expected += rows[row * n + i]! * rows[row * n + j]!;
      expect(sum.data[i * n + j]).toBe(expected);
    }
});
