// Editors evaluated on the service: the same findings as of a run in one process, on any version, whoever dies meanwhile.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CaseResult,
  type EvaluatedEditor,
  type EvaluationRow,
  editSchema,
  resultsOf,
  type ServedProtocol,
  type SuiteCase,
} from '@errata/contracts';
import { openArtefacts } from '@errata/editors';
import { resolveConfig } from '@errata/editors/catalogue';
import { type QuestionItem, readFindings, readHeldText, runProtocol } from '@errata/evaluation';
import {
  branchLog,
  createBranch,
  getBranch,
  getEvaluation,
  getReport,
  lanesOfShards,
  listJobs,
  listResults,
  submitEvaluation,
} from '@errata/lineage';
import { loadCheckpoint, openModel } from '@errata/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyModel } from '../../../../test/support/character-model.ts';
import { edit, shortLeaseMs, startFaultStack } from '../../../../test/support/fault-stack.ts';

const stack = await startFaultStack({ leaseMs: shortLeaseMs });
const { lineage, dispatch, modelId } = stack;
const folder = await mkdtemp(join(tmpdir(), 'errata-protocol-'));
afterAll(async () => {
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

const config = { layer: 1, epochs: 8, learning_rate: 0.02 };
const edits = ['Sylvania', 'Latveria', 'Ruritania', 'Oz', 'Ix'].map((name) =>
  editSchema.parse({
    ...edit(name),
    target_true: ' Oslo',
    rephrases: [`${name} has its capital in`],
    locality: { neighbourhood: [{ prompt: `The river of ${name} is` }] },
  }),
);
const cases = edits.map((each): SuiteCase => ({ kind: 'edit', edit: each }));

/** Asked along a stream beside its edits. */
const questions = ['Sylvania', 'Oz'].map((name): QuestionItem => {
  return { kind: 'question', id: `river-${name}`, prompt: `The river of ${name} runs to the`, answers: ['sea'] };
});

let base: string;
beforeAll(async () => {
  base = (await getBranch(lineage, modelId, 'main')).head;
});

async function evaluate(
  protocol: ServedProtocol,
  more: Partial<EvaluatedEditor> & { branch?: string; shards?: number; beside?: readonly SuiteCase[] } = {},
) {
  const { branch = 'main', shards, beside = [], ...settings } = more;
  const { id } = await submitEvaluation(lineage, {
    model: modelId,
    branch,
    against: 'parent',
    suite: { source: 'edits', cases: [...beside, ...cases] },
    editor: { name: 'ft-m', config, seed: 3, protocol, ...settings },
    created_by: null,
    shards,
  });
  for (const lane of await lanesOfShards(lineage, id)) await dispatch.wake(lane);
  return id;
}

async function allResults(id: string): Promise<readonly CaseResult[]> {
  return (await listResults(lineage, id, {}, { limit: 500 })).data;
}

/** What a run in this process finds. */
async function runHere(name: string, protocol: ServedProtocol): Promise<readonly EvaluationRow[]> {
  const path = await writeTinyModel(join(folder, `model of ${name}`));
  const checkpoint = await loadCheckpoint(path);
  const model = openModel(checkpoint);
  checkpoint.close();
  const { model_type } = checkpoint.config;
  const shape = { model_type, layers: model.spec.layers, width: model.spec.width };
  const editor = {
    name: 'ft-m' as const,
    config: resolveConfig('ft-m', shape, undefined, config),
    artefacts: openArtefacts(model.digest!, []),
  };
  const input = { model, tokenizer: model.tokenizer!, editor, protocol, seed: 3 };
  // On the service a version as a whole is measured along a stream alone.
  const whole = { questions, heldText: await readHeldText(join(path, 'corpus.txt')) };
  await runProtocol(join(folder, name), {
    ...input,
    ...(protocol.kind === 'lifelong' && whole),
    cases: edits.map((each) => ({ id: each.custom_id, edits: [each] })),
  });
  await model.release();
  return (await readFindings(join(folder, name))).rows;
}

const byPlace = (rows: readonly EvaluationRow[]) =>
  new Map(rows.map((row) => [JSON.stringify([row.moment, row.edits, row.case_id, row.metric]), row]));

test.each<ServedProtocol>([{ kind: 'single' }, { kind: 'batch', size: 2 }, { kind: 'lifelong', batch: 1 }])(
  'the $kind protocol finds what a run in one process finds',
  async (protocol) => {
    const id = await evaluate(protocol, { beside: protocol.kind === 'lifelong' ? questions : [] });
    expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', error: null });
    const found = byPlace(resultsOf(await allResults(id)).rows);
    const expected = byPlace(await runHere(protocol.kind, protocol));
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, { value, before, count }] of expected) {
      const row = found.get(key)!;
      expect({ key, count: row.count, before: row.before === null }).toEqual({ key, count, before: before === null });
      expect(row.value).toBeCloseTo(value, 5);
      if (before !== null) expect(row.before).toBeCloseTo(before, 5);
    }
  },
);

test('an editor is evaluated on any version, beside the branch, and leaves nothing on it', async () => {
  await createBranch(lineage, modelId, { name: 'edited', from: 'main' });
  expect(await stack.rescue(await stack.submit([edit('Narnia')], { branch: 'edited' }))).toMatchObject({
    state: 'succeeded',
  });
  const { head, id: branchId } = await getBranch(lineage, modelId, 'edited');
  const id = await evaluate({ kind: 'lifelong', batch: 2 }, { branch: 'edited' });
  const alone = await evaluate({ kind: 'single' }, { branch: 'edited', shards: 3 });
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', version_id: head, parent_version_id: head });
  expect(await stack.rescue(alone)).toMatchObject({ state: 'succeeded' });
  const evaluation = await getEvaluation(lineage, id);
  expect(evaluation).toMatchObject({
    version_id: head,
    against: { kind: 'version', version_id: head },
    editor: { name: 'ft-m', config, seed: 3, protocol: { kind: 'lifelong', batch: 2 } },
    // The edits twice, two of them once more, and the model's own text at both checkpoints.
    cases: { total: 14, measured: 14, failed: 0 },
    summary: { edits: 5, applied: 5, perplexity: { parent: expect.any(Number), candidate: expect.any(Number) } },
  });
  const { outcome } = evaluation;
  expect(outcome?.places.map(({ moment, edits: made, cases: asked }) => [moment, made, asked])).toEqual([
    ['once', 5, 5],
    ['curve', 2, 3],
    ['end', 5, 6],
  ]);
  const { parent, candidate } = evaluation.summary!.perplexity!;
  expect(outcome?.metrics.perplexity).toMatchObject({ cases: 1, value: candidate, before: { value: parent } });
  expect(candidate).not.toBe(parent);
  expect(outcome?.metrics).toEqual(outcome?.places[2]?.metrics);
  expect(outcome?.cost).toMatchObject({ edits: 5 });
  expect(outcome?.cost.edit_seconds).toBeGreaterThan(0);
  expect(outcome?.cost.answers).toBeGreaterThan(0);
  expect(await getReport(lineage, id)).toMatch(/<h1>ft-m on tiny<\/h1>/);
  expect((await getEvaluation(lineage, alone)).shards.total).toBe(3);
  expect((await getBranch(lineage, modelId, 'edited')).head).toBe(head);
  expect((await branchLog(lineage, branchId)).data).toHaveLength(2);
  expect(head).not.toBe(base);
});

test('general ability is measured along a stream, and is in its report', async () => {
  const choice = { kind: 'multiple_choice', question: 'Which?', options: ['this', 'that'], answer: 1 } as const;
  const beside = [
    { ...choice, id: 'which' },
    { ...choice, id: 'endless', question: 'Which? '.repeat(40) },
  ];
  const id = await evaluate({ kind: 'lifelong', batch: 5 }, { beside });
  expect(await stack.rescue(id)).toMatchObject({ state: 'completed_with_errors' });
  const results = (await allResults(id)).filter(({ kind }) => kind !== 'edit');
  expect(results.map(({ custom_id, moment, edits: made, outcome }) => [custom_id, moment, made, outcome])).toEqual([
    ['which', 'end', 5, 'measured'],
    ['endless', 'end', 5, 'failed'],
    ['held text', 'end', 5, 'measured'],
  ]);
  const { outcome } = await getEvaluation(lineage, id);
  expect(outcome?.metrics['ability.csqa.likelihood']).toMatchObject({
    cases: 1,
    before: { value: expect.any(Number) },
  });
  expect(await getReport(lineage, id)).toContain('<h2>General ability</h2>');
});

test('a stream whose worker dies is taken over where it was, and finds the same', async () => {
  const protocol = { kind: 'lifelong', batch: 1 } as const;
  const whole = await evaluate(protocol);
  await stack.rescue(whole);
  // Streams are one shard. It dies when all is kept but the end of the shard, and another before anything is.
  for (const failpoint of ['commit.before', 'transition.after']) {
    const doomed = stack.startWorker({ WORKER_NAME: `doomed at ${failpoint}`, ERRATA_FAILPOINT: failpoint });
    await doomed.ready;
    const id = await evaluate(protocol);
    expect(await doomed.exited).toBe('SIGKILL');
    expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', error: null });
    const [shard] = (await listJobs(lineage, { parent_job_id: id })).data;
    // More than twice where the machine is so busy that a lease runs out.
    expect(shard?.attempts).toBeGreaterThan(1);
    expect((await getEvaluation(lineage, id)).outcome?.digest).toBe(
      (await getEvaluation(lineage, whole)).outcome?.digest,
    );
  }
});

test('an edit that cannot be made is reported, and the others are', async () => {
  const endless = editSchema.parse({ ...edit('Endless'), prompt: `${'Now, '.repeat(60)}the capital of Endless is` });
  const { id } = await submitEvaluation(lineage, {
    model: modelId,
    against: 'parent',
    suite: { source: 'edits', cases: [cases[0]!, { kind: 'edit', edit: endless }, cases[1]!] },
    editor: { name: 'ft-m', config, seed: 3, protocol: { kind: 'batch', size: 3 } },
    created_by: null,
  });
  for (const lane of await lanesOfShards(lineage, id)) await dispatch.wake(lane);
  expect(await stack.rescue(id)).toMatchObject({ state: 'completed_with_errors' });
  const results = await allResults(id);
  expect(results.map(({ custom_id, outcome, error }) => [custom_id, outcome, error?.code])).toEqual([
    ['Sylvania', 'measured', undefined],
    ['Endless', 'failed', 'prompt_too_long'],
    ['Latveria', 'measured', undefined],
  ]);
  const made = results.filter(({ outcome }) => outcome === 'measured');
  for (const { measures } of made) {
    const reliability = measures.find(({ metric }) => metric === 'reliability.token');
    expect(reliability?.value).toBeGreaterThan(reliability?.before ?? 1);
  }
});

test('what is no edit is refused', async () => {
  const probe = { kind: 'probe', probe: { custom_id: 'p', prompt: 'Oz is' } } as const;
  const editor: EvaluatedEditor = { name: 'ft-m', config, seed: 0, protocol: { kind: 'single' } };
  const submit = (suite: readonly SuiteCase[]) =>
    submitEvaluation(lineage, {
      model: modelId,
      against: 'parent',
      suite: { source: 'probes', cases: suite },
      editor,
      created_by: null,
    });
  await expect(submit([probe])).rejects.toMatchObject({ code: 'invalid_request', errors: [{ field: 'editor' }] });
  // Only along a stream is there a model that others can be asked about.
  await expect(submit([cases[0]!, probe])).rejects.toMatchObject({
    code: 'invalid_request',
    errors: [{ field: 'protocol' }],
  });
});
