// The stopping rules, penalty and projection of a value search, on losses whose course is known by hand.
import { describe, expect, it } from 'vitest';
import { type DescentSettings, startDescent } from './offset-descent.ts';

const settings: DescentSettings = {
  steps: 20,
  learning_rate: 0.5,
  weight_decay: 0,
  clamp_factor: 4,
  kl_factor: 0.0625,
  stop_loss: 0.05,
};
const toward = (target: number[]) => (offset: Float32Array) => {
  const gap = target.map((t, i) => offset[i]! - t);
  return {
    nll: gap.reduce((sum, g) => sum + g * g, 0),
    kl: 0,
    gradient: Float32Array.from(gap, (g) => 2 * g),
  };
};
const norm = (x: Float32Array) => Math.hypot(...x);

describe('startDescent', () => {
  it('evaluates the zero offset first and takes Adam steps of the learning rate', () => {
    const loss = toward([3, -3]);
    const descent = startDescent([{ length: 2, valueNorm: 100 }], settings);
    expect(descent.advance(loss(descent.offset))).toBe(false);
    expect(descent.first?.nll).toBe(18);
    expect(descent.offset[0]).toBeCloseTo(0.5, 6);
    expect(descent.offset[1]).toBeCloseTo(-0.5, 6);
  });

  it('stops below stop_loss without a further step', () => {
    const loss = toward([1, 1]);
    const descent = startDescent([{ length: 2, valueNorm: 100 }], { ...settings, steps: 500 });
    while (!descent.advance(loss(descent.offset)));
    expect(descent.last!.total).toBeLessThan(0.05);
    expect(descent.last!.nll).toBeCloseTo(loss(descent.offset).nll, 10);
    expect(descent.steps).toBeLessThan(500);
  });

  it('takes no step on the last iteration', () => {
    const loss = toward([50, 0]);
    const descent = startDescent([{ length: 2, valueNorm: 100 }], { ...settings, steps: 3 });
    while (!descent.advance(loss(descent.offset)));
    expect(descent.steps).toBe(3);
    expect(descent.offset[0]).toBeCloseTo(1, 2);
    expect(descent.last!.nll).toBeCloseTo(loss(descent.offset).nll, 3);
  });

  it('keeps the offset within clamp_factor times the value', () => {
    const loss = toward([50, 50]);
    const descent = startDescent([{ length: 2, valueNorm: 0.25 }], settings);
    while (!descent.advance(loss(descent.offset))) expect(norm(descent.offset)).toBeLessThanOrEqual(1 + 1e-6);
    expect(norm(descent.offset)).toBeCloseTo(1, 5);
  });

  it('weighs the KL term and divides the penalty by the squared norm of the value', () => {
    const descent = startDescent([{ length: 2, valueNorm: 2 }], { ...settings, weight_decay: 0.5, steps: 2 });
    const gradient = Float32Array.of(1, 0);
    descent.advance({ nll: 3, kl: 16, gradient });
    descent.advance({ nll: 3, kl: 16, gradient });
    expect(descent.first).toEqual({ nll: 3, kl: 1, weight_decay: 0, total: 4 });
    expect(descent.last!.weight_decay).toBeCloseTo((0.5 * norm(descent.offset)) / 4, 10);
  });

  it('ends on a loss that is not finite', () => {
    const descent = startDescent([{ length: 1, valueNorm: 1 }], settings);
    expect(descent.advance({ nll: Number.NaN, kl: 0, gradient: Float32Array.of(0) })).toBe(true);
  });
});

describe('offsets side by side', () => {
  const parts = [
    { length: 2, valueNorm: 1 },
    { length: 1, valueNorm: 10 },
  ];

  it('are bounded and penalised each by the norm of its own value', () => {
    const descent = startDescent(parts, { ...settings, clamp_factor: 0.1, weight_decay: 2, steps: 3 });
    const pull = { nll: 9, kl: 0, gradient: Float32Array.of(-1, -1, -1) };
    descent.advance(pull);
    expect(norm(descent.offset.subarray(0, 2))).toBeCloseTo(0.1, 6);
    expect(descent.offset[2]).toBeCloseTo(0.5, 6);
    descent.advance(pull);
    expect(descent.last!.weight_decay).toBeCloseTo(2 * (0.1 / 1 + 0.5 / 100), 6);
  });

  it('end once the target has won and the divergence is small, and until then the target weighs less', () => {
    const rules = { ...settings, won_nll_factor: 0.1, won_kl: 0.01 };
    const descent = startDescent(parts, rules);
    const seen = (won: boolean, kl: number) => ({ nll: 9, kl, gradient: new Float32Array(3), won });
    expect(descent.advance(seen(true, 1))).toBe(false);
    expect(descent.last!.nll).toBe(9);
    expect(descent.nllWeight).toBe(0.1);
    expect(descent.advance(seen(false, 1))).toBe(false);
    expect(descent.last!.nll).toBeCloseTo(0.9, 10);
    expect(descent.nllWeight).toBe(1);
    expect(descent.advance(seen(true, 0.1))).toBe(true);
    expect([descent.steps, descent.holds]).toEqual([3, false]);
    const atOnce = startDescent(parts, rules);
    expect(atOnce.advance(seen(true, 0))).toBe(true);
    expect(atOnce.holds).toBe(true);
    const without = startDescent(parts, settings);
    expect(without.advance(seen(true, 0))).toBe(false);
  });
});
