// A later evaluation under the names of a gate: only what its versions allow to be said.
import { expect, test } from 'vitest';
import type { CaseResult, MetricMean } from '../wire/evaluations.ts';
import { measurementsOfCases } from './gate-of-evaluation.ts';
import { judge } from './judge-gate.ts';

const mean = (pooled: number, change: number | null): MetricMean => ({
  version: 1,
  cases: 2,
  probes: 2,
  value: pooled,
  interval: null,
  pooled,
  before: change === null ? null : { value: pooled - change, interval: null },
  delta: change === null ? null : { value: change, interval: null },
});
const metrics = {
  'reliability.token': mean(0.9, 0.2),
  'accuracy.exact': mean(0.5, -0.25),
  'locality.token': mean(0.8, null),
  'locality.neighbourhood.token': mean(0.7, null),
  'ripple.forgetfulness': mean(1, 0),
};
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
  measures: [{ metric: 'reliability.token', version: 1, value: 0.4, before: 0.1, count: 1 }],
  regressions: [],
  ...more,
});

test('against the parent, agreement and change go by their plain names', () => {
  const { values } = measurementsOfCases({ metrics }, [], { parent: true, base: false });
  expect(values).toEqual({
    'reliability.token': 0.9,
    reliability: 0.9,
    'reliability.token@parent': 0.2,
    'reliability@parent': 0.2,
    'accuracy.exact': 0.5,
    'accuracy.exact@parent': -0.25,
    'locality.token': 0.8,
    locality: 0.8,
    'locality.neighbourhood.token': 0.7,
    locality_neighbourhood: 0.7,
  });
});

test('against the base they are about the base; against anything else only levels are left', () => {
  const { values } = measurementsOfCases({ metrics }, [], { parent: false, base: true });
  expect(values).toMatchObject({ reliability: 0.9, 'reliability@base': 0.2, 'locality@base': 0.8 });
  expect(values.locality).toBeUndefined();
  expect(values['reliability@parent']).toBeUndefined();
  const other = measurementsOfCases({ metrics }, [], { parent: false, base: false }).values;
  expect(Object.keys(other).sort()).toEqual(['accuracy.exact', 'reliability', 'reliability.token']);
  // The first version after the base: one comparison serves as both.
  const both = measurementsOfCases({ metrics }, [], { parent: true, base: true }).values;
  expect([both.locality, both['locality@base']]).toEqual([0.8, 0.8]);
});

test('a rule on each edit sees the edits, and neither probes nor cases that failed', () => {
  const results = [
    result('good', { measures: [{ metric: 'reliability.token', version: 1, value: 1, before: 0, count: 1 }] }),
    result('bad'),
    result('probe', { kind: 'probe' }),
    result('failed', { outcome: 'failed', measures: [] }),
  ];
  const measured = measurementsOfCases({ metrics }, results, { parent: true, base: false });
  const verdict = judge({ rules: [{ metric: 'reliability', each: true, min: 0.5 }] }, measured);
  expect(verdict.findings[0]).toMatchObject({ outcome: 'failed', value: 0.4, custom_ids: ['bad'] });
});
