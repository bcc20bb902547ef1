// Measures of one case from what was answered: preferences, multi-hop questions, ripple effects.
import { describe, expect, it } from 'vitest';
import { multiHopScores } from './multi-hop.ts';
import { allOccur } from './occurrence.ts';
import { preference } from './probability.ts';
import { rippleScore } from './ripple.ts';

describe('preference', () => {
  it('goes to the likelier answer, by the difference of probabilities', () => {
    const [half, tenth] = [Math.log(2), Math.log(10)];
    expect(preference({ wanted: half, unwanted: tenth })).toEqual({ score: 1, magnitude: expect.closeTo(0.4, 12) });
    expect(preference({ wanted: tenth, unwanted: half })).toEqual({ score: 0, magnitude: expect.closeTo(-0.4, 12) });
  });

  it('of a model that tells nothing apart is at chance', () => {
    expect(preference({ wanted: 5, unwanted: 5 })).toEqual({ score: 0.5, magnitude: 0 });
  });
});

describe('multi-hop answers', () => {
  it('count when any wording is right, hops when all are, edits one by one', () => {
    expect(
      multiHopScores({ edits: [true, false], hops: [true, true, false], questions: [false, false, true] }),
    ).toEqual({ editWise: 0.5, instanceWise: 0, multiHop: 1 });
    expect(multiHopScores({ edits: [], hops: [true], questions: [] })).toEqual({
      editWise: null,
      instanceWise: 1,
      multiHop: null,
    });
  });
});

describe('an answer', () => {
  it.each([
    [' Oslo.', ['Oslo']],
    [' the city of OSLO, in', ['Christiania', 'oslo']],
    [' “Åland” is', ['Åland.']],
    [' New   York', ['New York']],
  ])('occurs in %j as one of %j', (text, spellings) => expect(allOccur(text, [spellings])).toBe(true));

  it.each([
    [' Oslofjord', ['Oslo']],
    [' 1905', ['190']],
    [' Oslo', ['...']],
    [' åland', ['land']],
  ])('does not occur in %j as one of %j', (text, spellings) => expect(allOccur(text, [spellings])).toBe(false));

  it('that is a list occurs when all of it does', () => {
    expect(allOccur('Ann and Bob', [['Bob'], ['Ann', 'Anna']])).toBe(true);
    expect(allOccur('Ann and Bob', [['Bob'], ['Cleo']])).toBe(false);
    expect(allOccur('Ann and Bob', [])).toBe(false);
  });
});

describe('ripple tests', () => {
  it('count only where their conditions held, and pass by all or any of their queries', () => {
    const score = rippleScore([
      { conditions: [true, true], queries: [true, false], passes: 'any' },
      { conditions: [], queries: [true, false], passes: 'all' },
      { conditions: [true, false], queries: [true], passes: 'all' },
      { conditions: [], queries: [], passes: 'all' },
    ]);
    expect(score).toEqual({ value: 0.5, count: 2, skipped: 2 });
  });

  it('none of which counts have no score', () => {
    expect(rippleScore([{ conditions: [false], queries: [true], passes: 'any' }])).toBeNull();
    expect(rippleScore([])).toBeNull();
  });
});
