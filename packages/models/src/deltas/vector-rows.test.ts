// Rows with a vector each: what a version's digest hears of them.
import { expect, test } from 'vitest';
import { embeddedRows } from './embedded-rows/index.ts';

const row = { encoder: 'a'.repeat(64), prompt: 'p', text: 't', threshold: 0.5, top_k: 1 };

/** All that a memory of one row adds to a version's digest. */
function heard(vector: Float32Array, text = 't'): readonly unknown[] {
  const parts: unknown[] = [];
  embeddedRows.memory!.hash({ kind: 'embedded_rows', rows: [{ ...row, text, vector }] }, (part) => parts.push(part));
  return parts;
}

test('rows that differ in their vectors alone, or in their words alone, are told apart', () => {
  expect(heard(Float32Array.of(1, 0))).toEqual(heard(Float32Array.of(1, 0)));
  expect(heard(Float32Array.of(0, 1))).not.toEqual(heard(Float32Array.of(1, 0)));
  expect(heard(Float32Array.of(1, 0), 'u')).not.toEqual(heard(Float32Array.of(1, 0)));
});
