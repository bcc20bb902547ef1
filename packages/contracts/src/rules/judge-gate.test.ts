// Policies that are clear, verdicts that say which edit, and readings that cannot be confused.
import { expect, test } from 'vitest';
import { type GateMetric, gateMetrics } from '../metrics/catalogue.ts';
import { defaultGatePolicy, type GatePolicy, gatePolicySchema } from '../wire/gate.ts';
import { judge, looksAt, looksAtRivals, readingOf, reasonsOf, rulesOf } from './judge-gate.ts';

const judged = (policy: GatePolicy, values: Parameters<typeof judge>[1]['values']) => judge(policy, { values });

test('metrics are counted, and the default policy is a policy', () => {
  expect(gateMetrics).toHaveLength(58);
  expect(gatePolicySchema.parse(defaultGatePolicy)).toEqual(defaultGatePolicy);
});

test('a gate refuses what is out of bounds or not finite and says what did not apply', () => {
  const policy: GatePolicy = {
    rules: [
      { metric: 'locality', min: 0.5 },
      { metric: 'delta_norm', max: 1 },
    ],
  };
  expect(judged(policy, { locality: 0.6 })).toMatchObject({
    passed: true,
    findings: [{ outcome: 'passed' }, { outcome: 'not_applicable' }],
  });
  expect(judged(policy, { locality: 0.4, delta_norm: 0.5 }).passed).toBe(false);
  expect(judged(policy, { delta_norm: Number.NaN }).passed).toBe(false);
});

test('rules that mean nothing are refused with the field and the reason', () => {
  const wrong = (rule: object) =>
    gatePolicySchema
      .safeParse({ rules: [rule] })
      .error?.issues.map(({ path, message }) => [path.join('.'), message].join(': '));
  expect(wrong({ metric: 'locality' })).toEqual(['rules.0.min: a rule needs min or max']);
  expect(wrong({ metric: 'locality', min: 1, max: 0 })).toEqual(['rules.0.min: min 1 is above max 0']);
  expect(wrong({ metric: 'locality', min: 1, against: 'absolute' })).toEqual([
    'rules.0.against: locality compares two versions: it is held against parent or base',
  ]);
  expect(wrong({ metric: 'edit_norm', max: 1, against: 'base' })).toEqual([
    'rules.0.against: edit_norm is held against nothing',
  ]);
  expect(wrong({ metric: 'perplexity_ratio', max: 1, each: true })).toEqual([
    'rules.0.each: perplexity_ratio is not measured for each edit',
  ]);
  expect(wrong({ metric: 'loyalty', min: 1 })).toHaveLength(1);
  expect(wrong({ metric: 'locality', min: 1, mox: 2 })).toHaveLength(1);
  const twice = gatePolicySchema.safeParse({ rules: [], canaries: [{ prompt: 'a' }, { prompt: 'a' }] });
  expect(twice.error?.issues[0]).toMatchObject({ path: ['canaries', 1, 'prompt'], message: 'a prompt is named twice' });
});

test('a level is bounded as it is or by its change; a comparison by what it is compared with', () => {
  expect(readingOf({ metric: 'reliability', against: undefined })).toBe('reliability');
  expect(readingOf({ metric: 'reliability', against: 'absolute' })).toBe('reliability');
  expect(readingOf({ metric: 'reliability', against: 'parent' })).toBe('reliability@parent');
  expect(readingOf({ metric: 'locality', against: 'parent' })).toBe('locality');
  expect(readingOf({ metric: 'locality', against: 'base' })).toBe('locality@base');
  const policy: GatePolicy = {
    rules: [
      { metric: 'reliability', min: 0.7 },
      { metric: 'reliability', against: 'parent', min: 0 },
      { metric: 'locality', against: 'base', min: 0.9 },
    ],
  };
  const verdict = judged(policy, { reliability: 0.9, 'reliability@parent': -0.1, 'locality@base': 0.8, locality: 1 });
  expect(verdict.findings.map(({ outcome }) => outcome)).toEqual(['passed', 'failed', 'failed']);
  expect(reasonsOf(verdict)).toEqual([
    'the change of reliability since the parent is -0.1, and must be at least 0',
    'locality against the base is 0.8, and must be at least 0.9',
  ]);
  expect(looksAt(policy, { against: 'base' })).toBe(true);
  expect(looksAt(policy, { metric: 'perplexity' })).toBe(false);
});

test('with each, one bad edit fails though the mean passes, and is named', () => {
  const policy: GatePolicy = {
    rules: [
      { metric: 'reliability', min: 0.6 },
      { metric: 'reliability', each: true, min: 0.6 },
      { metric: 'locality', each: true, min: 0.6 },
    ],
  };
  const verdict = judge(policy, {
    values: { reliability: 0.75 },
    edits: [
      { custom_id: 'a', values: { reliability: 1 } },
      { custom_id: 'b', values: { reliability: 0.25 } },
      { custom_id: 'c', values: { reliability: 0.5 } },
      { custom_id: 'd', values: {} },
    ],
  });
  expect(verdict).toMatchObject({
    passed: false,
    findings: [
      { outcome: 'passed', value: 0.75 },
      { outcome: 'failed', value: 0.25, custom_ids: ['b', 'c'] },
      { outcome: 'not_applicable', value: null },
    ],
  });
  expect(reasonsOf(verdict)).toEqual(['reliability is 0.25 at its worst, and must be at least 0.6 (b, c)']);
});

test('norms are judged edit by edit without being asked to', () => {
  const edits = [
    { custom_id: 'a', values: { edit_norm: 0.1, edit_norm_z: 0.2 } },
    { custom_id: 'b', values: { edit_norm: 0.9, edit_norm_z: 11 } },
  ];
  const policy: GatePolicy = { rules: [{ metric: 'edit_norm_z', max: 6 }] };
  const verdict = judge(policy, { values: { edit_norm_z: 11 }, edits });
  expect(verdict.findings[0]).toMatchObject({ outcome: 'failed', value: 11, custom_ids: ['b'] });
});

test('canaries must all be kept unless a rule says otherwise, and those that changed are shown', () => {
  const policy: GatePolicy = { rules: [], canaries: [{ prompt: 'Two and two is' }, { prompt: 'The sky is' }] };
  expect(rulesOf(policy)).toEqual([{ metric: 'canaries_kept', min: 1 }]);
  const canaries = [
    { prompt: 'Two and two is', expected: 'four', answer: 'five', kept: false },
    { prompt: 'The sky is', expected: 'blue', answer: 'blue', kept: true },
  ];
  const verdict = judge(policy, { values: { canaries_kept: 0.5 }, canaries });
  expect(verdict).toMatchObject({ passed: false, canaries });
  expect(reasonsOf(verdict)).toEqual([
    'canaries_kept is 0.5, and must be at least 1',
    '"Two and two is" is answered "five", and must stay "four"',
  ]);
  const lenient: GatePolicy = { ...policy, rules: [{ metric: 'canaries_kept', min: 0.5 }] };
  expect(reasonsOf(judge(lenient, { values: { canaries_kept: 0.5 }, canaries }))).toEqual([]);
});

test('rivals are asked about for every rule on metrics that weigh them, and for no other', () => {
  const asks = (metric: GateMetric) => looksAtRivals({ rules: [{ metric, min: 0 }] });
  expect(gateMetrics.filter(asks)).toEqual(
    ['efficacy', 'paraphrase', 'neighbourhood', 'neighbourhood_own'].flatMap((role) => [
      `${role}.score`,
      `${role}.magnitude`,
    ]),
  );
});
