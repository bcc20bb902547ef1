// What is kept of texts: found by how they begin, within a budget, and gone with their versions.

import { float32 } from '@errata/graph';
import { expect, it } from 'vitest';
import { makePrefixCache } from './prefixes.ts';

const text = (...ids: readonly number[]) => ({
  ids,
  keysValues: { 'key.0': float32([1, 1, ids.length, 1], new Float32Array(ids.length)) },
});

it('is found by its version and by the longest beginning in common', () => {
  const cache = makePrefixCache(1000);
  const [one, other] = [{}, {}];
  cache.put(one, text(1, 2, 3, 4, 5, 6));
  cache.put(one, text(1, 2, 3, 4, 9, 9, 9));
  expect(cache.longest(one, [1, 2, 3, 4, 9, 9, 7])).toMatchObject({ length: 6, text: text(1, 2, 3, 4, 9, 9, 9) });
  expect(cache.longest(one, [1, 2, 3, 4, 5])).toMatchObject({ length: 5 });
  expect(cache.longest(one, [1, 2, 3])).toBeUndefined();
  expect(cache.longest(other, [1, 2, 3, 4, 5])).toBeUndefined();
});

it('is kept in place of those it goes on from, and no more than fits, the latest used', () => {
  const cache = makePrefixCache(4 * 14);
  const version = {};
  cache.put(version, text(1, 2, 3, 4));
  cache.put(version, text(1, 2, 3, 4, 5, 6));
  cache.put(version, text(1, 2, 3, 4, 5));
  expect(cache.bytes()).toBe(4 * 6);
  cache.put(version, text(7, 7, 7, 7));
  cache.put(version, text(8, 8, 8, 8));
  expect(cache.longest(version, [1, 2, 3, 4, 5, 6])).toBeDefined();
  cache.put(version, text(9, 9, 9, 9));
  expect(cache.longest(version, [7, 7, 7, 7])).toBeUndefined();
  for (const ids of [
    [1, 2, 3, 4],
    [8, 8, 8, 8],
    [9, 9, 9, 9],
  ])
    expect(cache.longest(version, ids)).toBeDefined();
  cache.put(version, text(...Array.from({ length: 15 }, () => 3)));
  expect(cache.bytes()).toBe(4 * 14);
});
