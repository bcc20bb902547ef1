// A gate that another build has written: what is not understood of it fails, by name, and the rest is judged as ever.
import { expect, test } from 'vitest';
import { defaultGatePolicy, storedGateSchema } from '../wire/gate.ts';
import { isUnjudged, judge, reasonsOf } from './judge-gate.ts';
import { readGate } from './stored-gate.ts';

const locality = { metric: 'locality', min: 0.5 };
const measured = { values: { locality: 0.9 } };

test('a gate of this build is read as it is', () => {
  expect(readGate(defaultGatePolicy)).toEqual(defaultGatePolicy);
  expect(isUnjudged(judge(readGate({ rules: [locality] }), { values: { locality: 0 } }))).toBe(false);
});

test.each([
  ['a metric', { rules: [locality, { metric: 'toxicity', max: 0.1 }] }, 'toxicity', 'there is no metric "toxicity"'],
  ['what a metric is held against', { rules: [{ ...locality, against: 'sibling' }] }, 'locality', 'against'],
  ['a field of a rule', { rules: [{ ...locality, on: 'Mondays' }] }, 'locality', '"on"'],
  ['a rule of another kind', { rules: [{ judge: 'a model', says: 'fine' }] }, 'rule', '"judge":"a model"'],
  ['a rule that is none', { rules: ['locality>=0.5'] }, 'rule', 'locality>=0.5'],
  ['a field of the gate', { rules: [locality], two_keys: true }, 'two_keys', 'true'],
  ['canaries of another shape', { rules: [locality], canaries: [{ ask: 'x' }] }, 'canaries', 'prompt'],
  ['no rules', { canaries: [] }, 'rules', 'there are none'],
  ['rules that are no list', { rules: { locality: 0.5 } }, 'rules', '0.5'],
  ['too many rules', { rules: Array(51).fill(locality) }, 'gate', '50'],
  ['no gate', null, 'gate', 'this is no gate'],
  ['a list', [locality], 'gate', 'this is no gate'],
])('%s that is not understood fails every candidate and is named', (_, stored, name, why) => {
  const gate = readGate(stored);
  expect(storedGateSchema.parse(gate)).toEqual(gate);
  expect(gate.not_understood).toMatchObject([{ name }]);
  const verdict = judge(gate, measured);
  expect(verdict.passed).toBe(false);
  expect(isUnjudged(verdict)).toBe(true);
  const [reason] = reasonsOf(verdict);
  expect(reason).toContain(`${name} cannot be judged: `);
  expect(reason).toContain(why);
});

test('what is understood beside it is judged as well', () => {
  const gate = readGate({ rules: [{ metric: 'toxicity', max: 0.1 }, locality], canaries: [{ prompt: 'a' }], x: 1 });
  expect(gate).toMatchObject({ rules: [locality], canaries: [{ prompt: 'a' }] });
  expect(gate.not_understood?.map(({ name }) => name)).toEqual(['toxicity', 'x']);
  const verdict = judge(gate, { values: { locality: 0.1, canaries_kept: 1 } });
  expect(verdict.findings.map(({ metric, outcome }) => `${metric} ${outcome}`)).toEqual([
    'toxicity failed',
    'x failed',
    'locality failed',
    'canaries_kept passed',
  ]);
  expect(isUnjudged(verdict)).toBe(false);
});
