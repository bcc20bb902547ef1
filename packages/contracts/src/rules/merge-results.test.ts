// Shards in any order are one result: the order of work must not show in a digest.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EvaluationCase,
  type EvaluationResults,
  type EvaluationRow,
  evaluationResultsSchema,
} from '../wire/evaluation-rows.ts';
import { mergeResults, resultLines, resultsDigest } from './merge-results.ts';

const row = (fields: Partial<EvaluationRow> = {}): EvaluationRow => ({
  case_id: 'e1',
  moment: 'end',
  edits: 3,
  metric: 'reliability.token',
  version: 1,
  value: 1 / 3,
  before: 0,
  count: 1,
  ...fields,
});
const measured = (fields: Partial<EvaluationCase> = {}): EvaluationCase => ({
  case_id: 'e1',
  moment: 'end',
  edits: 3,
  outcome: 'measured',
  error: null,
  prompt: 'The capital of Oz is',
  target: 'Rome',
  answer_before: 'Oz',
  answer_after: 'Rome',
  ...fields,
});

const results: EvaluationResults = {
  cases: ['e1', 'e10', 'e2', 'é'].map((case_id) => measured({ case_id })),
  rows: ['e1', 'e10', 'e2', 'é'].flatMap((case_id) => [
    row({ case_id }),
    row({ case_id, edits: 10 }),
    row({ case_id, moment: 'once', edits: 1 }),
    row({ case_id, metric: 'locality.token', before: null }),
    row({ case_id, version: 2 }),
  ]),
};

describe('merging', () => {
  it('gives the same result for shards in any number and order', () => {
    const whole = mergeResults([results]);
    expect(whole.rows).toHaveLength(20);
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...results.rows], { minLength: results.rows.length }),
        fc.shuffledSubarray([...results.cases], { minLength: results.cases.length }),
        fc.integer({ min: 0, max: 20 }),
        (rows, cases, cut) => {
          const shards = [
            { cases, rows: rows.slice(cut) },
            { cases: [], rows: rows.slice(0, cut) },
          ];
          const merged = mergeResults(shards);
          expect(merged).toEqual(whole);
          expect(resultsDigest(merged)).toBe(resultsDigest(results));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('counts a shard that was run twice once', () => {
    const again = structuredClone(results) as EvaluationResults;
    expect(mergeResults([results, again])).toEqual(mergeResults([results]));
  });

  it('refuses shards that contradict each other', () => {
    const other = { cases: [], rows: [row({ value: 0.5 })] };
    expect(() => mergeResults([results, other])).toThrow(
      expect.objectContaining({ code: 'results_conflict', details: { one: row(), other: row({ value: 0.5 }) } }),
    );
  });
});

describe('digests', () => {
  it('see every field', () => {
    const digest = resultsDigest({ cases: [], rows: [row()] });
    for (const change of [
      { case_id: 'e2' },
      { moment: 'once' as const },
      { edits: 4 },
      { metric: 'reliability.all' },
      { version: 2 },
      { value: 0.3333 },
      { before: null },
      { count: 2 },
    ])
      expect(resultsDigest({ cases: [], rows: [row(change)] })).not.toBe(digest);
  });

  it('are over lines that say what they are', () => {
    const failed = measured({ outcome: 'failed', error: { code: 'edit_failed', message: 'no' }, answer_after: null });
    expect([...resultLines({ cases: [failed], rows: [row()] })]).toEqual([
      '{"case":{"answer_after":null,"answer_before":"Oz","case_id":"e1","edits":3,"error":{"code":"edit_failed",' +
        '"message":"no"},"moment":"end","outcome":"failed","prompt":"The capital of Oz is","target":"Rome"}}',
      '{"row":{"before":0,"case_id":"e1","count":1,"edits":3,"metric":"reliability.token","moment":"end",' +
        '"value":0.3333333333333333,"version":1}}',
    ]);
  });
});

it('accepts results as they come back from storage, and no value that is not a number', () => {
  expect(evaluationResultsSchema.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
  expect(evaluationResultsSchema.safeParse({ cases: [], rows: [row({ value: Number.NaN })] }).success).toBe(false);
  expect(evaluationResultsSchema.safeParse({ cases: [], rows: [row({ metric: 'Reliability' })] }).success).toBe(false);
});
