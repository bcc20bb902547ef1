// What a gate is given, on a real tiny model: canaries, generated text, the base, norms.
import {
  type Edit,
  editSchema,
  type GatePolicy,
  gateMetrics,
  judge,
  metricCatalogue,
  metricFamilies,
  rememberedMeasurements,
  unansweredRules,
} from '@errata/contracts';
import {
  type Delta,
  loadCheckpoint,
  type Model,
  openModel,
  type Tokenizer,
  type View,
  valueMatrix,
} from '@errata/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyCorpus, writeTinyModel } from '../../../test/support/tiny-model.ts';
import { evaluateCandidate, type GateInput, measureForGate, measureTexts, relativeNorm, robustZ } from './index.ts';

let model: Model;
let parent: View;
let tokenizer: Tokenizer;
let remove: () => void;

beforeAll(async () => {
  const tiny = await writeTinyModel();
  remove = tiny.remove;
  const checkpoint = await loadCheckpoint(tiny.path);
  model = openModel(checkpoint);
  checkpoint.close();
  parent = model.view();
  tokenizer = model.tokenizer!;
});
afterAll(async () => {
  await model.release();
  remove();
});

const edit = (fields: Partial<Edit> = {}): Edit =>
  editSchema.parse({
    custom_id: 'e1',
    prompt: 'The capital of Oz is',
    subject: 'Oz',
    target_new: 'Rome',
    rephrases: ['Oz has the capital'],
    locality: { neighbourhood: [{ prompt: 'The capital of Ix is', target: 'Bern' }] },
    portability: { one_hop: [{ prompt: 'The pope of the capital of Oz lives in', target: 'Rome' }] },
    ...fields,
  });

/** The final norm puts out the embedding of one letter, whatever comes in. */
const onlySaying = (letter: string): View => {
  const { spec } = model;
  const [id] = tokenizer.encode(letter);
  const row = parent.weight(spec.tokenEmbedding).subarray(id! * spec.width, (id! + 1) * spec.width);
  const { weight, bias } = spec.finalNorm;
  const change = (tensor: string, wanted: (i: number) => number): Delta => ({
    kind: 'dense',
    tensor,
    data: parent.weight(tensor).map((x, i) => wanted(i) - x),
  });
  return parent.with([change(weight, () => 0), change(bias!, (i) => 100 * row[i]!)]);
};

async function measure(candidate: View, policy: GatePolicy, more: Omit<GateInput, 'policy'> & { parent?: View } = {}) {
  const { parent: from = parent, ...gate } = more;
  const input = { parent: from, candidate, tokenizer, edits: [edit()], heldText: tinyCorpus(), perplexityTokens: 200 };
  return measureForGate(await evaluateCandidate(input), input, { policy, ...gate });
}

test('a version against itself has not changed in anything, and keeps its canaries', async () => {
  const policy: GatePolicy = {
    rules: [
      { metric: 'ngram_entropy', against: 'parent', min: 0 },
      { metric: 'locality', against: 'base', min: 1 },
    ],
    canaries: [{ prompt: 'The capital of Ur is' }],
  };
  const { values, edits, canaries } = await measure(parent, policy, { base: parent });
  expect(values).toMatchObject({
    'reliability@parent': 0,
    'reliability@base': 0,
    'generalization@parent': 0,
    'portability.token@base': 0,
    'perplexity@parent': 0,
    'ngram_entropy@parent': 0,
    perplexity_ratio: 1,
    'perplexity_ratio@base': 1,
    locality: 1,
    'locality@base': 1,
    canaries_kept: 1,
  });
  expect(values.perplexity).toBeGreaterThan(1);
  expect(values.delta_norm).toBeUndefined();
  expect(canaries).toMatchObject([{ prompt: 'The capital of Ur is', kept: true }]);
  expect(edits).toMatchObject([
    { custom_id: 'e1', values: { locality: 1, 'reliability@base': 0, 'locality@base': 1 } },
  ]);
});

test('what a finished job keeps answers another gate as the measurements did, and says what it does not answer', async () => {
  const policy: GatePolicy = {
    rules: [
      { metric: 'ngram_entropy', against: 'parent', min: 0 },
      { metric: 'locality', against: 'base', min: 1 },
      { metric: 'edit_norm', max: 1 },
    ],
    canaries: [{ prompt: 'The capital of Ur is' }],
  };
  const edits = [edit(), edit({ custom_id: 'e2', rephrases: ['In Oz, the capital is', 'Oz is ruled from'] })];
  const input = { parent, candidate: onlySaying('x'), tokenizer, edits, heldText: tinyCorpus(), perplexityTokens: 200 };
  const evaluation = await evaluateCandidate(input);
  const editNorms = [0.25, 0.5];
  const measured = await measureForGate(evaluation, input, { policy, base: parent, editNorms });
  const then = judge(policy, measured);
  const results = evaluation.perEdit.map((result, index) => ({ ...result, delta_norm: editNorms[index]! }));
  const job = { summary: evaluation.summary, gate: then, results };
  const remembered = rememberedMeasurements(policy, job);
  expect(judge(policy, remembered)).toEqual(then);
  // Answers held against their rivals, changes since the base and texts are with the measurements alone.
  const { values } = remembered;
  expect(values).toMatchObject({ 'locality@base': 0, 'ngram_entropy@parent': expect.any(Number), edit_norm: 0.5 });
  expect(Object.keys(values).length).toBeGreaterThan(20);
  for (const [reading, value] of Object.entries(values))
    expect({ reading, value }).toEqual({ reading, value: expect.closeTo(measured.values[reading as 'locality']!, 12) });
  for (const [index, { values: own }] of remembered.edits!.entries())
    for (const [reading, value] of Object.entries(own))
      expect({ reading, value }).toEqual({
        reading,
        value: expect.closeTo(measured.edits![index]!.values[reading as 'locality']!, 12),
      });

  const another: GatePolicy = {
    rules: [
      { metric: 'reliability', each: true, min: 0.1 },
      { metric: 'portability.alias.token', min: 0.1 },
      { metric: 'reliability', against: 'base', min: 0 },
    ],
    canaries: [{ prompt: 'The capital of Ix is' }],
  };
  const verdict = judge(another, rememberedMeasurements(another, job));
  expect(verdict.findings[0]).toMatchObject({ outcome: 'failed', custom_ids: ['e1', 'e2'] });
  expect(unansweredRules(verdict, then).map(({ metric, against }) => [metric, against])).toEqual([
    ['reliability', 'base'],
    ['canaries_kept', undefined],
  ]);
});

test('a version that only says x repeats itself, and its canaries are dead', async () => {
  const policy: GatePolicy = {
    rules: [{ metric: 'ngram_entropy', min: 1 }],
    canaries: [{ prompt: 'The capital of Ur is' }, { prompt: 'It says:\n', answer: 'Rome' }],
    sample_prompts: ['The', 'Oz'],
  };
  const { values, canaries } = await measure(onlySaying('x'), policy);
  expect(values.ngram_entropy).toBeCloseTo(0, 6);
  expect(values).toMatchObject({ canaries_kept: 0, reliability: 0 });
  expect(values['ngram_entropy@parent']).toBeUndefined();
  expect(values['reliability@base']).toBeUndefined();
  expect(canaries).toMatchObject([
    { kept: false, answer: expect.stringMatching(/^x+$/) },
    { kept: false, expected: 'Rome' },
  ]);
});

test('entropy is the metric of that name: of the same prompts, the same value', async () => {
  const prompts = ['The capital of Ur is', 'Oz', 'Oz'];
  const { weight: tensor } = valueMatrix(model.spec, 1);
  const candidate = parent.with([{ kind: 'dense', tensor, data: parent.weight(tensor).map((x) => 0.2 * x) }]);
  const policy: GatePolicy = {
    rules: [{ metric: 'ngram_entropy', against: 'parent', min: 0 }],
    sample_prompts: prompts,
  };
  const { values } = await measure(candidate, policy);
  const cases = [{ id: 'c1', edits: [edit()], generation: { prompts, attribute: [] } }];
  const [found] = await measureTexts({ parent, candidate, tokenizer, cases });
  const [entropy] = found!.measurements;
  expect(values.ngram_entropy).toBe(entropy!.value);
  expect(values['ngram_entropy@parent']).toBe(entropy!.value - entropy!.before!);
  expect(entropy!.value).not.toBe(entropy!.before);
});

test('a canary with an answer of its own is held to it, not to the parent', async () => {
  const policy: GatePolicy = { rules: [], canaries: [{ prompt: 'It says', answer: 'xxxxxxxx', aliases: ['y'] }] };
  const says = onlySaying('x');
  const { canaries } = await measure(says, policy, { parent: says });
  expect(canaries).toMatchObject([{ expected: 'xxxxxxxx', kept: false }]); // it does not stop after eight
});

test('the base counts although the parent had already left it', async () => {
  const gone = onlySaying('x');
  const policy: GatePolicy = {
    rules: [
      { metric: 'locality', against: 'base', min: 0.9 },
      { metric: 'canaries_kept', against: 'base', min: 1 },
    ],
    canaries: [{ prompt: 'The capital of Ur is' }],
  };
  const { values } = await measure(gone, policy, { parent: gone, base: parent });
  expect(values).toMatchObject({ locality: 1, perplexity_ratio: 1, canaries_kept: 1, 'canaries_kept@base': 0 });
  expect(values['locality@base']).toBeLessThan(0.5);
  expect(values['perplexity_ratio@base']).toBeGreaterThan(1);
  expect(values['perplexity@base']).toBeGreaterThan(0);
});

test('norms of edits come with their z-scores once there is a history', async () => {
  const policy: GatePolicy = { rules: [{ metric: 'edit_norm_z', max: 6 }] };
  const few = await measure(parent, policy, { editNorms: [0.5], earlierNorms: [0.1] });
  expect(few.edits?.[0]?.values).toMatchObject({ edit_norm: 0.5 });
  expect(few.values.edit_norm_z).toBeUndefined();
  const earlier = [0.08, 0.09, 0.1, 0.1, 0.11, 0.12, 0.1, 0.09];
  const many = await measure(parent, policy, { editNorms: [0.9], earlierNorms: earlier });
  expect(many.values.edit_norm_z).toBeGreaterThan(6);
  expect(many.edits?.[0]?.values.edit_norm_z).toBe(many.values.edit_norm_z);
  const none = await measure(parent, policy, { editNorms: [null], earlierNorms: earlier });
  expect(none.values.edit_norm).toBeUndefined();
});

test('a z-score is that of the logarithm, robust, and forgives edits that are much alike', () => {
  const alike = Array.from({ length: 20 }, () => 0.1);
  expect(robustZ(0.1, alike)).toBeCloseTo(0, 12);
  expect(robustZ(0.3, alike)).toBeCloseTo(Math.log(3) / 0.3, 9);
  expect(robustZ(0.3, [...alike, 1e9, 1e9])).toBeCloseTo(Math.log(3) / 0.3, 9);
  const spread = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6];
  expect(robustZ(1.6 * 2 ** 4, spread)).toBeCloseTo(4 / (1.4826 * 2), 9);
  expect(robustZ(1, alike.slice(0, 7))).toBeUndefined();
  expect(robustZ(0, alike)).toBeUndefined();
});

test('the norm of factors is that of their product', () => {
  const { weight: tensor } = valueMatrix(model.spec, 0);
  const matrix = parent.weight(tensor);
  const [rows, columns] = [model.spec.mlpWidth, model.spec.width];
  const left = Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin(i));
  const right = Float32Array.from({ length: columns * 2 }, (_, i) => Math.cos(3 * i));
  const data = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      data[i * columns + j] = left[2 * i]! * right[j]! + left[2 * i + 1]! * right[columns + j]!;
  const whole = relativeNorm(parent, { kind: 'dense', tensor, data })!;
  expect(relativeNorm(parent, { kind: 'low_rank', tensor, rank: 2, left, right })).toBeCloseTo(whole, 5);
});

test('a gate can bound any metric of edits and probes, by its name in the catalogue', async () => {
  const dotted = gateMetrics.filter((metric) => metric.includes('.'));
  for (const id of dotted) expect(metricCatalogue.get(id)).toMatchObject({ level: 'case' });
  const ofAnswers = metricFamilies.slice(0, 3).flatMap(({ metrics }) => metrics);
  // Probes that are left out are a matter of the data, not of a version.
  const wanted = ofAnswers.filter(
    ({ level, id, unit }) => level === 'case' && unit !== 'probes' && !id.startsWith('locality_base'),
  );
  expect(wanted.map(({ id }) => id).sort()).toEqual([...dotted].sort());

  const input = { parent, candidate: onlySaying('x'), tokenizer, edits: [edit({ target_true: 'Oslo' }), edit()] };
  const evaluation = await evaluateCandidate({ ...input, rivals: true });
  const policy: GatePolicy = { rules: [{ metric: 'locality.exact', against: 'base', min: 0 }] };
  const { values, edits } = await measureForGate(evaluation, input, { policy, base: parent });
  expect(values['reliability.token']).toBe(values.reliability);
  expect(values['reliability.token@parent']).toBe(values['reliability@parent']);
  expect(values['locality.neighbourhood.token']).toBe(values.locality_neighbourhood);
  expect(values['locality.exact@base']).toBe(values['locality.exact']);
  expect(values['portability.one_hop.token@base']).toBe(values['portability.one_hop.token@parent']);
  expect(values['efficacy.score']).toBeTypeOf('number');
  expect(edits?.[0]?.values['efficacy.magnitude']).toBeTypeOf('number');
  expect(edits?.[1]?.values['efficacy.magnitude']).toBeUndefined();
});
