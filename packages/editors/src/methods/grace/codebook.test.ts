// The codebook's rules, one by one.
import { type CodebookDelta, changedCodebook, emptyCodebook } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { nearestRow, place, placed } from './codebook.ts';

const key = (...x: number[]) => Float32Array.from(x);
const replacement = 'last';

function book(epsilon: number, ...edits: [Float32Array, string][]): CodebookDelta {
  let rows = emptyCodebook({ site: 'mlp_out', layer: 0 }, 2, 1);
  for (const [index, [k, label]] of edits.entries()) {
    const edit = { key: k, value: key(index), label, replacement } as const;
    rows = changedCodebook(rows, placed(rows, place(rows, k, label, epsilon), edit, epsilon).delta);
  }
  return rows;
}

describe('the codebook', () => {
  it('gives far keys rows of their own', () => {
    expect([...book(1, [key(0, 0), '5 6'], [key(3, 0), '7']).radii]).toEqual([1, 1]);
  });

  it('does not grow when the same key comes twice with the same label', () => {
    expect([...book(1, [key(0, 0), '5'], [key(0, 0), '5']).radii]).toEqual([1]);
  });

  it('widens the ball of the same label past the new key, and never narrows it', () => {
    const [radius] = book(1, [key(0, 0), '5'], [key(1.5, 0), '5']).radii;
    expect(radius).toBeGreaterThan(1.5);
    expect(radius).toBeCloseTo(1.5, 4);
    expect([...book(1, [key(0, 0), '5'], [key(0.5, 0), '5']).radii]).toEqual([1]);
  });

  it('keeps the key of a row that is widened or corrected, and takes the new value', () => {
    const widened = book(1, [key(0, 0), '5'], [key(1.5, 0), '5']);
    expect([widened.keys, widened.values]).toEqual([key(0, 0), key(1)]);
    const corrected = book(1, [key(0, 0), '5'], [key(0, 1e-5), '6']);
    expect([corrected.keys, corrected.values]).toEqual([key(0, 0), key(1)]);
  });

  it('splits at half the distance when the label differs', () => {
    const [first, second] = book(1, [key(0, 0), '5'], [key(1, 0), '6']).radii;
    expect(first).toBeCloseTo(0.5 - 1e-5, 7);
    expect(second).toBe(0.5);
  });

  it('tells labels apart whose mean token id is the same', () => {
    expect(book(1, [key(0, 0), '4 6'], [key(0.5, 0), '5 5']).labels).toHaveLength(2);
  });

  it('does not widen a narrow ball by splitting it', () => {
    const [first] = book(1, [key(0, 0), '5'], [key(0.2, 0), '6'], [key(-1, 0), '7']).radii;
    expect(first).toBeCloseTo(0.1 - 1e-5, 6);
  });

  it('corrects a question again in place', () => {
    const { labels, radii } = book(1, [key(0, 0), '5'], [key(0, 0), '6']);
    expect([labels, [...radii]]).toEqual([['6'], [1]]);
  });

  it('finds the nearest row', () => {
    const rows = book(1, [key(0, 0), '5'], [key(10, 0), '6']);
    expect(nearestRow(rows, key(7, 0))).toEqual({ index: 1, distance: 3 });
    expect(nearestRow(book(1), key(7, 0))).toBeUndefined();
  });

  it('says no more of a book than what an edit changes of it', () => {
    const before = book(1, [key(0, 0), '5'], [key(10, 0), '6'], [key(20, 0), '7']);
    const edit = { key: key(10.5, 0), value: key(9), label: '8', replacement } as const;
    const { delta } = placed(before, place(before, edit.key, edit.label, 1), edit, 1);
    expect(delta).toMatchObject({ keys: edit.key, values: edit.value, labels: ['8'], replaces: [null] });
    expect(delta.resized).toHaveLength(1);
    const after = changedCodebook(before, delta);
    expect(after.keys.subarray(0, 6)).toEqual(before.keys);
    expect([...after.radii].map((radius) => Number(radius.toFixed(4)))).toEqual([1, 0.25, 1, 0.25]);
  });
});
