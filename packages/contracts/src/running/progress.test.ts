// Progress that is wrong is shown as well as it can be.
import { expect, test } from 'vitest';
import { onlyShowing, shareDone } from './progress.ts';

test('a share is between nothing and all', () => {
  const shares = [
    [0, 10, 0],
    [3, 10, 0.3],
    [10, 10, 1],
    [16, 10, 1],
    [-15, 10, 0],
    [1, 0, 0],
    [1, -3, 0],
    [0, 0, 0],
    [Number.NaN, 10, 0],
    [1, Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 10, 1],
    [5, Number.POSITIVE_INFINITY, 0],
  ] as const;
  for (const [done, total, share] of shares)
    expect([done, total, shareDone(done, total)]).toEqual([done, total, share]);
});

test('a listener that fails harms nobody', () => {
  const failing = onlyShowing(() => {
    throw new RangeError('Invalid count value: -15');
  });
  expect(() => failing(1)).not.toThrow();
  expect(() => onlyShowing(undefined)(1)).not.toThrow();
});
