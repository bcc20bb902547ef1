// Tests of exact match on text written by hand.
import { describe, expect, it } from 'vitest';
import { exactMatch, firstSentence } from './exact-match.ts';

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
    ['罗马。', '罗马'],
    ['罗马，意大利的首都', '罗马'],
    ['「罗马」是', '罗马'],
    ['ローマ。その次', 'ローマ'],
  ])('takes %j for %j', (generated, answer) => expect(exactMatch(generated, [answer])).toBe(1));

  it.each([
    ['Paris Hilton', 'Paris'],
    ['Parisian', 'Paris'],
    ['the city of Paris', 'Paris'],
    ['3.5 million', '3'],
    ["France's capital", 'France'],
    ['', 'Paris'],
    ['New', 'New York'],
    ['罗马尼亚', '罗马'],
    ['3.五', '4'],
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
    ['罗马。它是', '罗马'],
    ['罗马！', '罗马'],
  ])('of %j is %j', (generated, sentence) => expect(firstSentence(generated)).toBe(sentence));
});
