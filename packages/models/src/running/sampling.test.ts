// Sampling, and the packing of sequences into batches.

import { describe, expect, it } from 'vitest';
import { packBatches } from './batches.ts';
import { sampler, uniform } from './sampling.ts';

describe('sampling', () => {
  const logits = Float32Array.from([0.6, 0.3, 0.1].map(Math.log));
  const frequencies = (options: { temperature: number; topK?: number }) => {
    const next = sampler({ seed: 1, stream: 0, ...options });
    const counts = [0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[next(logits)]!++;
    return counts.map((count) => count / 20_000);
  };

  it('follows the probabilities of the model', () => {
    for (const [i, p] of [0.6, 0.3, 0.1].entries()) expect(frequencies({ temperature: 1 })[i]).toBeCloseTo(p, 1.7);
  });

  it('sharpens them below temperature 1', () => {
    const total = 0.36 + 0.09 + 0.01;
    for (const [i, p] of [0.36, 0.09, 0.01].entries())
      expect(frequencies({ temperature: 0.5 })[i]).toBeCloseTo(p / total, 1.7);
  });

  it('keeps to the k most likely', () => {
    const got = frequencies({ temperature: 1, topK: 2 });
    expect(got[2]).toBe(0);
    expect(got[0]).toBeCloseTo(2 / 3, 1.7);
  });

  it('finds the k most likely among many, the first of equals', () => {
    const many = Float32Array.from({ length: 500 }, (_, i) => Math.floor(50 * Math.sin(7 * i)));
    const wanted = [...many.keys()].sort((a, b) => many[b]! - many[a]! || a - b).slice(0, 5);
    // So hot that all of the five come up.
    const next = sampler({ temperature: 1e6, topK: 5, seed: 3, stream: 0 });
    expect(new Set(Array.from({ length: 200 }, () => next(many)))).toEqual(new Set(wanted));
  });

  it('is greedy at temperature 0, the first of equals', () => {
    expect(sampler({ temperature: 0, seed: 0, stream: 0 })(Float32Array.of(1, 3, 3))).toBe(1);
  });

  it('refuses settings that mean nothing', () => {
    expect(() => sampler({ temperature: -1, seed: 0, stream: 0 })).toThrow(/temperature/);
    expect(() => sampler({ temperature: Number.NaN, seed: 0, stream: 0 })).toThrow(/temperature/);
    expect(() => sampler({ temperature: 1, topK: 0, seed: 0, stream: 0 })).toThrow(/topK/);
  });

  it('draws from streams that repeat, and differ by seed and by number', () => {
    const take = (seed: number, stream: number) => Array.from({ length: 4 }, uniform(seed, stream));
    expect(take(5, 2)).toEqual(take(5, 2));
    expect(take(5, 2)).not.toEqual(take(5, 3));
    expect(take(5, 2)).not.toEqual(take(6, 2));
    expect(take(5, 2).every((x) => x >= 0 && x < 1)).toBe(true);
  });
});

describe('packing', () => {
  const sequences = [3, 9, 1, 9, 4, 30].map((length) => new Array<number>(length).fill(1));

  it('puts every sequence in one batch, like lengths together, within the budget', () => {
    const batches = packBatches(sequences, 20);
    expect(batches.flatMap(({ members }) => members).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(batches.map(({ members }) => members)).toEqual([[5], [1, 3], [4, 0, 2]]);
    for (const { batch, time, ids } of batches) {
      expect(ids.length).toBe(batch * time);
      expect(batch === 1 || batch * time <= 20).toBe(true);
    }
  });

  it('counts what a sequence costs besides its length', () => {
    expect(packBatches(sequences, 20, () => 8).map(({ members }) => members.length)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('numbers positions from 0 and pads after the end', () => {
    const [, , last] = packBatches(sequences, 20);
    expect([...last!.positions]).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    expect([...last!.ids]).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0]);
  });
});
