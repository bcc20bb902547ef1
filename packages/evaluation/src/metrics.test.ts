// Tests of the scoring rules on answers written by hand.
import { describe, expect, it } from 'vitest';
import { exactMatch, firstSentence, meanScore, tokenAgreement } from './metrics.ts';

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

describe('exact match', () => {
  it.each([
    ['Paris', 'Paris'],
    [' Paris.', 'Paris'],
    ['paris, where she lives', 'Paris'],
    [' Paris\nThe next', 'Paris'],
    [' "Paris" is', 'Paris'],
    [' Paris (France)', 'Paris'],
    [' New  York. He', 'New York'],
    [' St. Louis.', 'St. Louis'],
    [' Washington, D.C. is', 'Washington, D.C.'],
    [' ＰＡＲＩＳ!', 'Paris'],
  ])('takes %j for %j', (generated, answer) => expect(exactMatch(generated, [answer])).toBe(1));

  it.each([
    ['Paris Hilton', 'Paris'],
    ['Parisian', 'Paris'],
    ['the city of Paris', 'Paris'],
    ['3.5 million', '3'],
    ["France's capital", 'France'],
    ['', 'Paris'],
    ['New', 'New York'],
  ])('does not take %j for %j', (generated, answer) => expect(exactMatch(generated, [answer])).toBe(0));

  it('accepts an alias', () => {
    expect(exactMatch(' NYC.', ['New York', 'NYC'])).toBe(1);
    expect(exactMatch(' NYC.', ['New York'])).toBe(0);
  });

  it('never matches an answer that normalises to nothing', () => {
    expect(exactMatch('', ['...'])).toBe(0);
  });
});

describe('first sentence', () => {
  it.each([
    [' Paris. The capital', 'Paris'],
    [' Paris\nLondon', 'Paris'],
    [' 3.5 metres', '3.5 metres'],
    ['. Then', '. Then'],
    ['', ''],
  ])('of %j is %j', (generated, sentence) => expect(firstSentence(generated)).toBe(sentence));
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
});
