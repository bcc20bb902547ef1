// Sampling, and the packing of sequences into batches.

import { describe, expect, it } from 'vitest';
import { packBatches } from './batches.ts';
import { type SamplingOptions, sampler, uniform } from './sampling.ts';

describe('sampling', () => {
  const logits = Float32Array.from([0.6, 0.3, 0.1].map(Math.log));
  const frequencies = (options: SamplingOptions) => {
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

  it('keeps to the fewest tokens with a share of the probability, and to those near enough to the most likely', () => {
    expect(frequencies({ temperature: 1, topP: 0.6 })).toEqual([1, 0, 0]);
    expect(frequencies({ temperature: 1, topP: 0.61 })[2]).toBe(0);
    expect(frequencies({ temperature: 1, topP: 0.61 })[0]).toBeCloseTo(2 / 3, 1.7);
    expect(frequencies({ temperature: 1, topP: 0.95 })[2]).toBeCloseTo(0.1, 1.7);
    expect(frequencies({ temperature: 1, minP: 0.4 })[2]).toBe(0);
    expect(frequencies({ temperature: 1, minP: 0.1 })[2]).toBeCloseTo(0.1, 1.7);
    // Of the two most likely, the first alone has two thirds.
    expect(frequencies({ temperature: 1, topK: 2, topP: 0.6 })).toEqual([1, 0, 0]);
  });

  it('finds the same fewest tokens among many as sorting all of them does', () => {
    const many = Float32Array.from({ length: 400 }, (_, i) => 2 * Math.sin(7 * i));
    const total = many.reduce((sum, logit) => sum + Math.exp(logit), 0);
    const order = [...many.keys()].sort((a, b) => many[b]! - many[a]! || a - b);
    const wanted = new Set<number>();
    for (let sum = 0, i = 0; sum < 0.05 * total; i++) {
      wanted.add(order[i]!);
      sum += Math.exp(many[order[i]!]!);
    }
    const next = sampler({ temperature: 1, topP: 0.05, seed: 3, stream: 0 });
    expect(new Set(Array.from({ length: 500 }, () => next(many)))).toEqual(wanted);
  });

  it('makes chosen tokens less likely, and those with a bias as much more or less likely as it says', () => {
    const choices = (options: SamplingOptions, steps: number) => {
      const next = sampler({ ...options, seed: 1, stream: 0 });
      return Array.from({ length: steps }, () => next(Float32Array.of(3, 2, 1)));
    };
    expect(choices({ presencePenalty: 1.5 }, 4)).toEqual([0, 1, 0, 0]);
    expect(choices({ frequencyPenalty: 0.75 }, 4)).toEqual([0, 0, 1, 0]);
    expect(choices({ logitBias: new Map([[2, 5]]) }, 2)).toEqual([2, 2]);
    expect(choices({ logitBias: new Map([[0, -100]]), temperature: 1 }, 50)).not.toContain(0);
  });

  it('never chooses what must not be drawn', () => {
    const pick = (temperature: number) => {
      const next = sampler({ temperature, seed: 1, stream: 0, undrawable: [0, 2] });
      return Array.from({ length: 50 }, () => next(logits.slice()));
    };
    expect(new Set([...pick(0), ...pick(5)])).toEqual(new Set([1]));
  });

  it('is greedy at temperature 0, the first of equals', () => {
    expect(sampler({ temperature: 0, seed: 0, stream: 0 })(Float32Array.of(1, 3, 3))).toBe(1);
  });

  it('refuses settings that mean nothing', () => {
    expect(() => sampler({ temperature: -1, seed: 0, stream: 0 })).toThrow(/temperature/);
    expect(() => sampler({ temperature: Number.NaN, seed: 0, stream: 0 })).toThrow(/temperature/);
    expect(() => sampler({ temperature: 1, topK: 0, seed: 0, stream: 0 })).toThrow(/topK/);
    expect(() => sampler({ topP: 0, seed: 0, stream: 0 })).toThrow(/topP/);
    expect(() => sampler({ minP: 2, seed: 0, stream: 0 })).toThrow(/minP/);
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
