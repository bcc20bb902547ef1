// The parts of an evaluation that are plain data: how cases are read, divided and merged.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CaseResult, Measure } from '../wire/evaluations.ts';
import { evaluationLimits } from '../wire/resource-parts.ts';
import { blocksOf, casesInBlock, divideCases } from './case-ranges.ts';
import { failedCase } from './case-results.ts';
import { parseCasesJsonl } from './check-cases.ts';
import { mergeCases, resultsOf } from './evaluation-merge.ts';
import { resultsDigest } from './merge-results.ts';

test('shards cover all cases, each once, in whole blocks, whatever their number', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: evaluationLimits.cases }),
      fc.option(fc.integer({ min: 1, max: evaluationLimits.shards }), { nil: undefined }),
      (cases, shards) => {
        const ranges = divideCases(cases, shards);
        expect(ranges.length).toBeLessThanOrEqual(shards ?? evaluationLimits.shards);
        expect(ranges[0]?.from).toBe(0);
        expect(ranges.at(-1)?.to).toBe(cases);
        for (const [index, { from, to }] of ranges.entries()) {
          expect(from % casesInBlock).toBe(0);
          expect(to).toBeGreaterThan(from);
          if (index > 0) expect(from).toBe(ranges[index - 1]?.to);
        }
        // The same blocks, and so the same company for every case, as when there is one shard.
        expect(ranges.flatMap((range) => blocksOf(range))).toEqual(blocksOf({ from: 0, to: cases }));
      },
    ),
  );
  expect(() => divideCases(0)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
});

test('probes and items are read line by line, and every bad one is named', () => {
  const { cases, errors } = parseCasesJsonl(
    [
      '\ufeff{"prompt": "The sea is"}',
      '',
      '{"prompt": "Oz is", "target": "green", "custom_id": "oz"}',
      '{"prompt": ""}',
      '{"custom_id": "oz", "prompt": "Oz was"}',
      'no',
      '{"prompt": "x", "wanted": "y"}',
      '{"kind": "question", "prompt": "Ix is", "answers": ["a planet"]}',
      '{"kind": "multiple_choice", "id": "m", "question": "Which?", "options": ["this", "that"], "answer": 2}',
      '{"kind": "riddle", "id": "r"}',
      '{"kind": "question", "id": "oz", "prompt": "Oz is", "answers": ["green"]}',
    ].join('\n'),
  );
  expect(cases).toEqual([
    { kind: 'probe', probe: { custom_id: '1', prompt: 'The sea is' } },
    { kind: 'probe', probe: { custom_id: 'oz', prompt: 'Oz is', target: 'green' } },
    { kind: 'question', id: '6', prompt: 'Ix is', answers: ['a planet'] },
  ]);
  expect(errors.map(({ line, code, field, message }) => [line, code, field, message])).toEqual([
    [4, 'invalid_request', 'prompt', expect.any(String)],
    [5, 'duplicate_custom_id', 'custom_id', expect.stringContaining('"oz"')],
    [6, 'malformed_jsonl', undefined, expect.any(String)],
    [7, 'invalid_request', '', expect.stringContaining('wanted')],
    [9, 'invalid_request', 'answer', 'answer: there is no option of this index'],
    [10, 'invalid_request', 'kind', expect.stringMatching(/"riddle"; there are question, multiple_choice/)],
    [11, 'duplicate_custom_id', 'id', expect.stringContaining('"oz"')],
  ]);
});

const measure = (metric: string, value: number, before: number | null, count = 1): Measure => ({
  metric,
  version: 1,
  value,
  before,
  count,
});
const three = (stem: string, value: number, before: number | null, count = 1) =>
  ['token', 'all', 'exact'].map((reading) => measure(`${stem}.${reading}`, value, before, count));

const result = (position: number, measures: readonly Measure[], fields: Partial<CaseResult> = {}): CaseResult => ({
  position,
  moment: 'end',
  edits: 7,
  case_id: `c${position}`,
  custom_id: `c${position}`,
  kind: 'edit',
  edit_id: null,
  prompt: 'Oz is',
  target: 'green',
  outcome: 'measured',
  error: null,
  answer_before: 'red',
  answer_after: 'green',
  changed: true,
  measures: [...measures],
  regressions: [],
  ...fields,
});

test('means count every probe alike, keep edits and single probes apart, and report what failed', () => {
  const failed = failedCase(
    {
      position: 3,
      moment: 'end',
      edits: 7,
      case_id: 'c3',
      edit_id: null,
      item: { kind: 'probe', probe: { custom_id: 'c3', prompt: 'Ix is' } },
    },
    { code: 'prompt_too_long', message: 'too long' },
  );
  const results = [
    result(0, [
      ...three('reliability', 1, 0),
      ...three('locality.neighbourhood', 0.5, null, 2),
      ...three('locality', 0.5, null, 2),
    ]),
    result(1, [
      ...three('reliability', 0.5, 0.5),
      ...three('locality.distracting', 1, null, 1),
      ...three('locality', 1, null),
    ]),
    result(2, [...three('accuracy', 1, 1), ...three('locality', 0, null)], { kind: 'probe', changed: false }),
    failed,
  ];
  const merged = mergeCases(results);
  expect(merged).toMatchObject({ measured: 3, failed: 1, changed: 2 });
  expect(merged.means).toEqual({
    edits: 2,
    applied: 2,
    already_holds: 0,
    measured: 2,
    reliability: {
      before: { token: 0.25, all: 0.25, exact: 0.25, count: 2 },
      after: { token: 0.75, all: 0.75, exact: 0.75, count: 2 },
    },
    generalization: null,
    locality: { token: 2 / 3, all: 2 / 3, exact: 2 / 3, count: 3 },
    locality_by_kind: {
      distracting: { token: 1, all: 1, exact: 1, count: 1 },
      neighbourhood: { token: 0.5, all: 0.5, exact: 0.5, count: 2 },
    },
    portability_by_kind: {},
  });
  expect(merged.digest).toBe(resultsDigest(resultsOf([...results].reverse())));
  expect(merged.digest).not.toBe(mergeCases(results.slice(0, 3)).digest);
  expect(merged.digest).not.toBe(mergeCases(results.map((each) => ({ ...each, edits: 8 }))).digest);
});
