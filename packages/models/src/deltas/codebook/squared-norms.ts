// Squared lengths of the keys of codebooks, computed once for all books that grew from one another.

import { appended } from '../growing-array.ts';

/** Of the keys that lie in a buffer from its start: what an array holds is never changed, and one that grew from it shares its buffer. */
const known = new WeakMap<ArrayBufferLike, Float32Array>();

/** |k|² of each key, summed in float64. @param keys `[n, size]` @returns `[n]` */
export function squaredNorms(keys: Float32Array, size: number): Float32Array {
  const count = keys.length / size;
  const shared = keys.byteOffset === 0;
  const before = (shared && known.get(keys.buffer)) || new Float32Array(0);
  if (before.length >= count) return before.subarray(0, count);
  const more = new Float32Array(count - before.length);
  for (let row = before.length; row < count; row++) {
    let sum = 0;
    for (let at = row * size; at < (row + 1) * size; at++) sum += keys[at]! * keys[at]!;
    more[row - before.length] = sum;
  }
  const squares = appended(before, more);
  if (shared) known.set(keys.buffer, squares);
  return squares;
}
