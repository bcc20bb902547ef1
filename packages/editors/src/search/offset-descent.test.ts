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
    const descent = startDescent(2, 100, settings);
    expect(descent.advance(loss(descent.offset))).toBe(false);
    expect(descent.first?.nll).toBe(18);
    expect(descent.offset[0]).toBeCloseTo(0.5, 6);
    expect(descent.offset[1]).toBeCloseTo(-0.5, 6);
  });

  it('stops below stop_loss without a further step', () => {
    const loss = toward([1, 1]);
    const descent = startDescent(2, 100, { ...settings, steps: 500 });
    while (!descent.advance(loss(descent.offset)));
    expect(descent.last!.total).toBeLessThan(0.05);
    expect(descent.last!.nll).toBeCloseTo(loss(descent.offset).nll, 10);
    expect(descent.steps).toBeLessThan(500);
  });

  it('takes no step on the last iteration', () => {
    const loss = toward([50, 0]);
    const descent = startDescent(2, 100, { ...settings, steps: 3 });
    while (!descent.advance(loss(descent.offset)));
    expect(descent.steps).toBe(3);
    expect(descent.offset[0]).toBeCloseTo(1, 2);
    expect(descent.last!.nll).toBeCloseTo(loss(descent.offset).nll, 3);
  });

  it('keeps the offset within clamp_factor times the value', () => {
    const loss = toward([50, 50]);
    const descent = startDescent(2, 0.25, settings);
    while (!descent.advance(loss(descent.offset))) expect(norm(descent.offset)).toBeLessThanOrEqual(1 + 1e-6);
    expect(norm(descent.offset)).toBeCloseTo(1, 5);
  });

  it('weighs the KL term and divides the penalty by the squared norm of the value', () => {
    const descent = startDescent(2, 2, { ...settings, weight_decay: 0.5, steps: 2 });
    const gradient = Float32Array.of(1, 0);
    descent.advance({ nll: 3, kl: 16, gradient });
    descent.advance({ nll: 3, kl: 16, gradient });
    expect(descent.first).toEqual({ nll: 3, kl: 1, weight_decay: 0, total: 4 });
    expect(descent.last!.weight_decay).toBeCloseTo((0.5 * norm(descent.offset)) / 4, 10);
  });

  it('ends on a loss that is not finite', () => {
    const descent = startDescent(1, 1, settings);
    expect(descent.advance({ nll: Number.NaN, kl: 0, gradient: Float32Array.of(0) })).toBe(true);
  });
});
