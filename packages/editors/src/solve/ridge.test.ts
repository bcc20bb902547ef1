// Ridge regression on keys: both ways to solve it are one, and what comes out is where the penalised error is least.
import { type Matrix, matrix, multiply } from '@errata/graph';
import { uniform } from '@errata/models';
import { expect, it } from 'vitest';
import { ridgeUpdate } from './ridge.ts';

const draw = (rows: number, columns: number, stream: number): Matrix => {
  const next = uniform(3, stream);
  return matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => 2 * next() - 1),
  );
};
const ridge = 0.3;

it.each([
  ['fewer', 4],
  ['more', 9],
])('with %s keys than these have elements: U^T (U S - D) + ridge S = 0', async (_, count) => {
  const [keys, wanted] = [draw(count, 6, 1), draw(count, 3, 2)];
  const { keySide, valueSide } = await ridgeUpdate(keys, wanted, ridge);
  const shift = await multiply(keySide, valueSide);
  const found = await multiply(keys, shift);
  const error = matrix(
    count,
    3,
    found.data.map((x, i) => x - wanted.data[i]!),
  );
  const slope = await multiply(keys, error, { transA: true });
  for (const [i, x] of slope.data.entries()) expect(x + ridge * shift.data[i]!).toBeCloseTo(0, 12);
});
