// Tests of scores and their means on answers written by hand.
import { describe, expect, it } from 'vitest';
import { tokenAgreement } from './agreement.ts';
import { harmonicMean, meanScore } from './means.ts';

describe('token agreement', () => {
  it('gives a third for one hit in three and nothing for all', () => {
    expect(tokenAgreement([7, 0, 0], [7, 8, 9])).toEqual({ token: 1 / 3, all: 0 });
  });

  it('gives one for all hits', () => {
    expect(tokenAgreement([7, 8], [7, 8])).toEqual({ token: 1, all: 1 });
  });

  it('refuses a layout without tokens and predictions of another length', () => {
    expect(() => tokenAgreement([], [])).toThrow(RangeError);
    expect(() => tokenAgreement([1], [1, 2])).toThrow(RangeError);
  });
});

describe('means', () => {
  it('average each reading and count', () => {
    expect(
      meanScore([
        { token: 1, all: 1, exact: 0 },
        { token: 0.5, all: 0, exact: 0 },
      ]),
    ).toEqual({ token: 0.75, all: 0.5, exact: 0, count: 2 });
  });

  it('of nothing is null, not zero', () => expect(meanScore([])).toBeNull());

  it('that are harmonic are no better than the worst allows', () => {
    expect(harmonicMean([1, 1, 0])).toBe(0);
    expect(harmonicMean([1, 0.5, 0.25])).toBeCloseTo(3 / 7, 12);
    expect(() => harmonicMean([])).toThrow(RangeError);
    expect(() => harmonicMean([0.5, -0.1])).toThrow(RangeError);
  });
});
