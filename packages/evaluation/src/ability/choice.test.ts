// Weighing options: what each way prefers, and that ties earn what guessing earns.
import { describe, expect, it } from 'vitest';
import { choiceCredit, heaviest, weighOptions } from './choice.ts';

const option = (firstToken: number, ...logProbs: number[]) => ({ firstToken, logProbs });

describe('weights', () => {
  it('of options differ by what they are divided by', () => {
    const weights = weighOptions([option(1, -2), option(2, -0.5, -0.5, -0.5, -0.9)], [3, 20]);
    expect(weights.likelihood).toEqual([-2, -2.4]);
    expect(weights.likelihood_per_token).toEqual([-2, -0.6]);
    expect(weights.likelihood_per_character).toEqual([-2 / 3, -0.12]);
    expect(weights.first_token).toEqual([-2, -0.5]);
  });

  it('by first token are equal for options that begin with the same one, whatever two batches made of it', () => {
    const weights = weighOptions([option(7, -1.0000001, -3), option(8, -2), option(7, -1, -1)], [1, 1, 1]);
    expect(weights.first_token).toEqual([-1.0000001, -2, -1.0000001]);
  });
});

describe('credit', () => {
  it('goes to the right option alone', () => {
    expect(choiceCredit([-3, -1, -2], 1)).toBe(1);
    expect(choiceCredit([-3, -1, -2], 0)).toBe(0);
  });

  it('is shared by those that cannot be told apart', () => {
    expect(choiceCredit([-1, -1, -2], 0)).toBe(1 / 2);
    expect(choiceCredit([-1, -1, -2], 2)).toBe(0);
    expect(choiceCredit([-1, -1, -1, -1], 3)).toBe(1 / 4);
  });

  it('of a model that computes nothing is that of guessing', () => {
    expect(choiceCredit([Number.NaN, Number.NaN], 1)).toBe(1 / 2);
    expect(heaviest([Number.NaN, -5])).toEqual([1]);
    expect(choiceCredit([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], 0)).toBe(1 / 2);
  });
});
