// Bytes in pieces: all of them, in order, and none in a larger piece.
import { expect, it } from 'vitest';
import { piecesOf } from './pieces.ts';

it.each([0, 1, 3, 4, 7])('%i bytes come whole, three at a time', (count) => {
  const bytes = Uint8Array.from({ length: count }, (_, i) => i + 1);
  const pieces = [...piecesOf(bytes, 3)];
  expect(pieces.flatMap((piece) => [...piece])).toEqual([...bytes]);
  expect(pieces.map(({ byteLength }) => byteLength)).toEqual(
    count === 0 ? [0] : Array.from({ length: Math.ceil(count / 3) }, (_, i) => Math.min(3, count - 3 * i)),
  );
  for (const piece of pieces) expect(piece.buffer).toBe(bytes.buffer);
});
