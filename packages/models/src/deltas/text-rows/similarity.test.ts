// The search among rows of text: it finds what looking at every row finds, whatever became of the version before.

import { findSubject } from '@errata/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedRows, indexOf } from './changed-rows.ts';
import { gramsOf } from './grams.ts';
import { extendIndex, indexRows, isVisible, type RowIndex } from './row-index.ts';
import type { TextRow } from './rows.ts';
import { similarRows } from './similarity.ts';

/** The same by looking at every row, as the formula has it. */
function similarOfAll(rows: readonly TextRow[], prompt: string): ReadonlyMap<string, number> {
  const frequency = new Map<string, number>();
  for (const row of rows)
    for (const gram of gramsOf(row.prompt).keys()) frequency.set(gram, (frequency.get(gram) ?? 0) + 1);
  const weighted = (text: string) =>
    new Map(
      [...gramsOf(text)].map(([gram, count]) => {
        const rarity = 1 + Math.log((rows.length + 1) / ((frequency.get(gram) ?? 0) + 1));
        return [gram, (1 + Math.log(count)) * rarity];
      }),
    );
  const norm = (weights: ReadonlyMap<string, number>) => Math.hypot(...weights.values());
  const asked = weighted(prompt);
  return new Map(
    rows.flatMap((row): [string, number][] => {
      const own = weighted(row.prompt);
      const dot = [...own].reduce((sum, [gram, weight]) => sum + weight * (asked.get(gram) ?? 0), 0);
      const cosine = dot === 0 ? 0 : Math.min(1, dot / norm(own) / norm(asked));
      const named = 'end' in findSubject(prompt.toLowerCase(), row.subject.toLowerCase()) ? 1 : 0;
      const similarity = row.subject === '' ? cosine : (named + cosine) / 2;
      return similarity >= row.threshold ? [[row.prompt, similarity]] : [];
    }),
  );
}

const word = fc.constantFrom(
  'Oslo',
  'oslo',
  'Osloer',
  'lives',
  'in',
  'the',
  'home',
  'of',
  'Anna',
  'Ann',
  '京都',
  'I',
  '',
);
const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '));
const row = fc.record({
  prompt: text.filter((prompt) => prompt !== ''),
  subject: fc.oneof(word, fc.constantFrom('Anna Oslo', ' Oslo ', ' ')),
  text: fc.constant('x'),
  // Off what rounding may bring a similarity to.
  threshold: fc.constantFrom(0, 0.1234, 0.3456, 0.5678, 0.8765),
  top_k: fc.constant(1),
});
const rows = fc.uniqueArray(row, { maxLength: 8, selector: ({ prompt }) => prompt });

const found = (index: RowIndex, prompt: string) =>
  new Map(similarRows(index, prompt).map(({ row: { prompt: of }, similarity }) => [of, similarity]));

function expectAll(index: RowIndex, rows: readonly TextRow[], prompt: string): void {
  const [here, all] = [found(index, prompt), similarOfAll(rows, prompt)];
  expect([...here.keys()].sort()).toEqual([...all.keys()].sort());
  for (const [of, similarity] of all) expect(here.get(of)).toBeCloseTo(similarity, 9);
}

describe('the search among rows', () => {
  it('finds what looking at every row finds', () => {
    fc.assert(
      fc.property(rows, text, (rows, prompt) => expectAll(indexRows(rows), rows, prompt)),
      { numRuns: 500 },
    );
  });

  it('finds the same, to the last bit, in a version that grew from others as in one that was built at once', () => {
    fc.assert(
      fc.property(
        fc.array(rows, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(), { minLength: 6 }),
        text,
        (steps, from, prompt) => {
          const versions: (readonly TextRow[])[] = [[]];
          indexOf(versions[0]!);
          for (const [step, more] of steps.entries()) {
            const before = versions[from[step]! % versions.length]!;
            versions.push(changedRows(before, more));
          }
          for (const version of versions) {
            expect(found(indexOf(version), prompt)).toEqual(found(indexRows(version), prompt));
            expectAll(indexOf(version), version, prompt);
          }
        },
      ),
    );
  });

  it('is built anew when it hides more than it should, and keeps no more than it needs', () => {
    const one = (prompt: string, text: string): TextRow => ({ prompt, subject: '', text, threshold: 0, top_k: 1 });
    let index = indexRows([one('Anna lives in', '0')]);
    for (let time = 1; time <= 1000; time++) index = extendIndex(index, [one('Anna lives in', `${time}`)]);
    expect(index.log.rows.length).toBeLessThan(300);
    expect(index.log.rows.filter((_, id) => isVisible(index, id)).map(({ text }) => text)).toEqual(['1000']);
  });
});
