// SQuAD's scores by hand; the many cases are held against another implementation in measure.test.ts.
import { describe, expect, it } from 'vitest';
import { normaliseSquad, squadExact, squadF1 } from './squad.ts';

describe('normalisation', () => {
  it('drops case, punctuation, articles and spaces, in that order', () => {
    expect(normaliseSquad('  The   Eiffel-Tower, in a “Paris”!')).toBe('eiffeltower in “paris”');
    expect(normaliseSquad("An apple and the pear's")).toBe('apple and pears');
    expect(normaliseSquad('The.')).toBe('');
  });

  it('knows articles from letters of other words in any script', () => {
    expect(normaliseSquad('thé à la carte, a theme, çan')).toBe('thé à la carte theme çan');
    expect(normaliseSquad('a_a the1 an')).toBe('aa the1');
  });
});

describe('exact match and F1', () => {
  it('take the best of several answers', () => {
    expect(squadExact('the Normans', ['Vikings', 'Normans'])).toBe(1);
    expect(squadF1('Norman knights', ['Vikings', 'the Norman lords'])).toBe(1 / 2);
  });

  it('count a repeated word as often as both have it', () => {
    expect(squadF1('yes yes yes', ['yes no'])).toBeCloseTo((2 * (1 / 3) * (1 / 2)) / (1 / 3 + 1 / 2), 12);
  });

  it('want silence where there is no answer, and nothing but', () => {
    expect([squadExact('', []), squadF1('', [])]).toEqual([1, 1]);
    expect([squadExact('Paris', []), squadF1('Paris', [])]).toEqual([0, 0]);
    expect([squadExact('', ['Paris']), squadF1('', ['Paris'])]).toEqual([0, 0]);
    // The official script reads an answer of nothing but articles and punctuation as none.
    expect(squadF1('The…', ['...'])).toBe(0);
    expect(squadF1('the', ['...'])).toBe(1);
  });
});
