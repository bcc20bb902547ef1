// A later evaluation under the names of a gate: only what its versions allow to be said.
import { expect, test } from 'vitest';
import type { CaseResult, Measure } from '../wire/evaluations.ts';
import { gateValuesOf, measurementsOfCases } from './gate-of-evaluation.ts';
import { judge } from './judge-gate.ts';

const measure = (metric: string, value: number, change: number | null, count = 1): Measure => ({
  metric,
  version: 1,
  value,
  before: change === null ? null : value - change,
  count,
});
const measures = [
  measure('reliability.token', 0.75, 0.25),
  measure('accuracy.exact', 0.5, -0.25),
  measure('locality.token', 0.8, null),
  measure('locality.neighbourhood.token', 0.7, null),
  measure('ripple.forgetfulness', 1, 0),
];
const result = (custom_id: string, more: Partial<CaseResult> = {}): CaseResult => ({
  position: 0,
  moment: 'end',
  edits: 1,
  case_id: custom_id,
  custom_id,
  kind: 'edit',
  edit_id: null,
  prompt: 'x',
  target: 'y',
  outcome: 'measured',
  error: null,
  answer_before: 'a',
  answer_after: 'b',
  changed: true,
  measures: [measure('reliability.token', 0.4, 0.3)],
  regressions: [],
  ...more,
});

test('against the parent, agreement and change go by their plain names', () => {
  const { values } = measurementsOfCases([result('whole', { measures })], { parent: true, base: false });
  expect(values).toEqual({
    'reliability.token': 0.75,
    reliability: 0.75,
    'reliability.token@parent': 0.25,
    'reliability@parent': 0.25,
    'accuracy.exact': 0.5,
    'accuracy.exact@parent': -0.25,
    'locality.token': 0.8,
    locality: 0.8,
    'locality.neighbourhood.token': 0.7,
    locality_neighbourhood: 0.7,
  });
});

test('against the base they are about the base; against anything else only levels are left', () => {
  const { values } = measurementsOfCases([result('whole', { measures })], { parent: false, base: true });
  expect(values).toMatchObject({ reliability: 0.75, 'reliability@base': 0.25, 'locality@base': 0.8 });
  expect(values.locality).toBeUndefined();
  expect(values['reliability@parent']).toBeUndefined();
  const other = measurementsOfCases([result('whole', { measures })], { parent: false, base: false }).values;
  expect(Object.keys(other).sort()).toEqual(['accuracy.exact', 'reliability', 'reliability.token']);
  // The first version after the base: one comparison serves as both.
  const both = measurementsOfCases([result('whole', { measures })], { parent: true, base: true }).values;
  expect([both.locality, both['locality@base']]).toEqual([0.8, 0.8]);
});

test('a rule on each edit sees the edits, and neither probes nor cases that failed', () => {
  const results = [
    result('good', { measures: [measure('reliability.token', 1, 1)] }),
    result('bad'),
    result('probe', { kind: 'probe' }),
    result('failed', { outcome: 'failed', measures: [] }),
  ];
  const measured = measurementsOfCases(results, { parent: true, base: false });
  const verdict = judge({ rules: [{ metric: 'reliability', each: true, min: 0.5 }] }, measured);
  expect(verdict.findings[0]).toMatchObject({ outcome: 'failed', value: 0.4, custom_ids: ['bad'] });
});

test('figures and their changes are over probes: a case counts as often as it has some', () => {
  const results = [
    result('many', { measures: [measure('generalization.token', 1, 1, 3)] }),
    result('one', { measures: [measure('generalization.token', 0, 0, 1)] }),
  ];
  const { values } = measurementsOfCases(results, { parent: true, base: false });
  expect(values).toMatchObject({ generalization: 0.75, 'generalization@parent': 0.75 });
  expect(gateValuesOf(results, { delta_norm: 0.5, perplexity: { parent: 4, candidate: 6 } })).toEqual({
    ...values,
    delta_norm: 0.5,
    perplexity: 6,
    'perplexity@parent': 2,
    perplexity_ratio: 1.5,
  });
});
