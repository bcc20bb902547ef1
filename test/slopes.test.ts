// Lines through samples, and what is made of them.
import { expect, test } from 'vitest';
import { slopeOf, verdictOf } from '../bench/soak/slopes.ts';

const samples = (of: (hours: number, index: number) => number) =>
  Array.from({ length: 100 }, (_, index) => ({ hours: index / 100, value: of(index / 100, index) }));
const verdict = (of: (hours: number, index: number) => number) => verdictOf(slopeOf(samples(of))!);

test('the line of least squares is found, and how far off it may be', () => {
  expect(slopeOf(samples((hours) => 100 + 5 * hours))).toMatchObject({ perHour: expect.closeTo(5, 9) });
  const rough = slopeOf(samples((hours, index) => 100 + 5 * hours + (index % 2)))!;
  expect(Math.abs(rough.perHour - 5)).toBeLessThan(2 * rough.standardError);
  expect(slopeOf([{ hours: 0, value: 1 }])).toBeNull();
});

test('what stays or falls is flat, what gains a tenth a day grows, and what cannot be told is not told', () => {
  expect(verdict(() => 100)).toBe('flat');
  expect(verdict((hours) => 100 - 50 * hours)).toBe('flat');
  expect(verdict((hours) => 100 + hours)).toBe('grows');
  expect(verdict((hours, index) => 100 + 0.4 * hours + 20 * (index % 2))).toBe('unsure');
});
