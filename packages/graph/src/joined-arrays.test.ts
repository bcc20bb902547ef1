// Arrays one behind another.
import { expect, test } from 'vitest';
import { joinedArrays } from './joined-arrays.ts';

test('joins parts in order, however long they are', () => {
  expect(joinedArrays([Float32Array.of(1, 2), new Float32Array(0), Float32Array.of(3)])).toEqual(
    Float32Array.of(1, 2, 3),
  );
  expect(joinedArrays([])).toEqual(new Float32Array(0));
  // More than a function can be given as arguments.
  const long = new Float32Array(2 ** 20).fill(4);
  expect(joinedArrays([long, Float32Array.of(5)]).subarray(-2)).toEqual(Float32Array.of(4, 5));
});
