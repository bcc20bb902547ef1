// A sample of a list: the same for the same seed and length, in the list's own order.
import { uniform } from '@errata/models';

/** `limit` distinct items in their own order, or all of them where there are no more. */
export function sampleOf<T>(items: readonly T[], limit: number, seed: number): readonly T[] {
  if (limit >= items.length) return items;
  const next = uniform(seed, 0);
  const indices = items.map((_, index) => index);
  for (let at = 0; at < limit; at++) {
    const other = at + Math.floor(next() * (indices.length - at));
    [indices[at], indices[other]] = [indices[other]!, indices[at]!];
  }
  return indices
    .slice(0, limit)
    .sort((a, b) => a - b)
    .map((index) => items[index]!);
}
