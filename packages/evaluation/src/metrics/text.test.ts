// Measures of generated text on sentences small enough to count by hand.
import { describe, expect, it } from 'vitest';
import { ngramEntropy, textEntropy } from './entropy.ts';
import { fitTfidf } from './tfidf.ts';
import { words } from './words.ts';

describe('words', () => {
  it.each([
    ["Don't stop.", ['Do', "n't", 'stop', '.']],
    ['He said "so" (twice).', ['He', 'said', '``', 'so', "''", '(', 'twice', ')', '.']],
    ['It ended. She left.', ['It', 'ended', '.', 'She', 'left', '.']],
    ['Mr. Bean met J. R. R. Tolkien.', ['Mr.', 'Bean', 'met', 'J.', 'R.', 'R.', 'Tolkien', '.']],
    ['3.5 of 1,200: ten, or more', ['3.5', 'of', '1,200', ':', 'ten', ',', 'or', 'more']],
    ["Oz's ... cannot--well", ['Oz', "'s", '...', 'can', 'not', '--', 'well']],
    ['', []],
  ])('of %j', (text, expected) => expect(words(text)).toEqual(expected));
});

describe('entropy', () => {
  it('is the logarithm of the number of n-grams where all differ', () => {
    expect(ngramEntropy(['a', 'b', 'c', 'd', 'e'], 2)).toBe(2);
    expect(textEntropy('a b c d e f')).toBeCloseTo(((2 / 3) * Math.log2(5) + (4 / 3) * 2) / 2, 12);
  });

  it('is nothing where one phrase repeats itself or there is no n-gram', () => {
    expect(ngramEntropy(['a', 'a', 'a'], 2)).toBe(0);
    expect(textEntropy('so so so so so')).toBe(0);
    expect(textEntropy('so')).toBe(0);
  });
});

describe('tf-idf similarity', () => {
  const { similarity } = fitTfidf(['a river in Oz', 'a mountain in Oz', 'the river Ix']);

  it('is 1 of a text with itself and 0 of texts that share no word', () => {
    expect(similarity('river Oz', 'OZ, river!')).toBeCloseTo(1, 12);
    expect(similarity('river', 'mountain')).toBe(0);
    expect(similarity('', 'mountain')).toBe(0);
    expect(similarity('unheard of', 'unheard of')).toBe(0);
  });

  it('counts rare words more than common ones', () => {
    expect(similarity('Ix Oz', 'Ix')).toBeGreaterThan(similarity('Ix Oz', 'Oz'));
  });
});
