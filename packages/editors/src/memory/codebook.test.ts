// The codebook's rules, one by one.
import { describe, expect, it } from 'vitest';
import { applyPlacement, type CodebookRow, nearestRow, place } from './codebook.ts';

const key = (...x: number[]) => Float32Array.from(x);
const value = key(9);
function book(epsilon: number, ...edits: [Float32Array, string][]): readonly CodebookRow[] {
  let rows: readonly CodebookRow[] = [];
  for (const [k, label] of edits)
    rows = applyPlacement(rows, place(rows, k, label, epsilon), { key: k, value, label }, epsilon).rows;
  return rows;
}
const radii = (rows: readonly CodebookRow[]) => rows.map(({ radius }) => radius);

describe('the codebook', () => {
  it('gives far keys rows of their own', () => {
    expect(radii(book(1, [key(0, 0), '5 6'], [key(3, 0), '7']))).toEqual([1, 1]);
  });

  it('does not grow when the same key comes twice with the same label', () => {
    expect(radii(book(1, [key(0, 0), '5'], [key(0, 0), '5']))).toEqual([1]);
  });

  it('widens the ball of the same label to the new key, and never narrows it', () => {
    expect(radii(book(1, [key(0, 0), '5'], [key(1.5, 0), '5']))).toEqual([1.5]);
    expect(radii(book(1, [key(0, 0), '5'], [key(0.5, 0), '5']))).toEqual([1]);
  });

  it('splits at half the distance when the label differs', () => {
    const rows = book(1, [key(0, 0), '5'], [key(1, 0), '6']);
    expect(rows[0]!.radius).toBeCloseTo(0.5 - 1e-5, 12);
    expect(rows[1]!.radius).toBe(0.5);
  });

  it('tells labels apart whose mean token id is the same', () => {
    expect(book(1, [key(0, 0), '4 6'], [key(0.5, 0), '5 5'])).toHaveLength(2);
  });

  it('does not widen a narrow ball by splitting it', () => {
    const rows = book(1, [key(0, 0), '5'], [key(0.2, 0), '6'], [key(-1, 0), '7']);
    expect(rows[0]!.radius).toBeCloseTo(0.1 - 1e-5, 6);
  });

  it('corrects a question again in place', () => {
    const rows = book(1, [key(0, 0), '5'], [key(0, 0), '6']);
    expect(rows.map(({ label, radius }) => [label, radius])).toEqual([['6', 1]]);
  });

  it('finds the nearest row', () => {
    const rows = book(1, [key(0, 0), '5'], [key(10, 0), '6']);
    expect(nearestRow(rows, key(7, 0))).toEqual({ index: 1, distance: 3 });
    expect(nearestRow([], key(7, 0))).toBeUndefined();
  });
});
