// The closed forms of ROME and r-ROME against their defining equations.
import { describe, expect, it } from 'vitest';
import { rankOneUpdate } from './rank-one.ts';
import { dot, multiplyVector, norm, plus } from './vectors.ts';

const dff = 12;
const d = 5;

function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
const vector = (next: () => number, n: number) => Float64Array.from({ length: n }, next);
/** A symmetric positive definite matrix: diagonally dominant. */
function spd(next: () => number): Float64Array {
  const m = new Float64Array(dff * dff);
  for (let i = 0; i < dff; i++) {
    for (let j = 0; j < i; j++) m[i * dff + j] = m[j * dff + i] = next() * 0.3;
    m[i * dff + i] = 4 + next();
  }
  return m;
}
const change = (update: { keySide: Float64Array; valueSide: Float64Array }, x: Float64Array) =>
  update.valueSide.map((v) => v * dot(update.keySide, x));

describe('rankOneUpdate', () => {
  const next = randoms(7);
  const inverse = spd(next);
  const bare = vector(next, dff);
  const average = plus(
    bare,
    vector(next, dff).map((x) => 0.2 * x),
  );
  const wanted = vector(next, d);

  it('moves the scaled key by exactly what was asked', () => {
    for (const scaleKey of [bare, average]) {
      const update = rankOneUpdate({ solveKey: average, scaleKey, change: wanted, inverse });
      for (const [i, x] of change(update, scaleKey).entries()) expect(x).toBeCloseTo(wanted[i]!, 12);
    }
  });

  it('leaves every x with C^-1 k . x = 0 alone', () => {
    const update = rankOneUpdate({ solveKey: average, scaleKey: average, change: wanted, inverse });
    const normal = multiplyVector(inverse, average);
    const x = vector(next, dff);
    const along = dot(normal, x) / dot(normal, normal);
    const orthogonal = x.map((v, i) => v - along * normal[i]!);
    expect(norm(change(update, orthogonal))).toBeLessThan(1e-12);
  });

  it('has a denominator that stays positive for r-ROME and passes through zero for ROME', () => {
    const normal = multiplyVector(inverse, average);
    const across = bare.map((v, i) => v - ((1 - 1e-9) * dot(normal, bare) * normal[i]!) / dot(normal, normal));
    const rome = rankOneUpdate({ solveKey: average, scaleKey: across, change: wanted, inverse });
    const rebuilt = rankOneUpdate({ solveKey: average, scaleKey: average, change: wanted, inverse });
    expect(Math.abs(rome.denominator)).toBeLessThan(1e-6);
    expect(norm(rome.valueSide)).toBeGreaterThan(1e5 * norm(rebuilt.valueSide));
    expect(rebuilt.denominator).toBeGreaterThan(0);
  });

  it('takes C = I without statistics', () => {
    const update = rankOneUpdate({ solveKey: average, scaleKey: average, change: wanted, inverse: null });
    const unit = average.map((x) => x / norm(average));
    for (const [i, x] of update.keySide.entries()) expect(x).toBeCloseTo(unit[i]!, 14);
  });

  it('refuses a vanishing denominator', () => {
    const zero = new Float64Array(dff);
    expect(() => rankOneUpdate({ solveKey: average, scaleKey: zero, change: wanted, inverse })).toThrow(/divided by 0/);
  });
});
