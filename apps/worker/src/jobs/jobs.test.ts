// Every kind of job on a real engine, and every way in which one can end.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EditInput, editSchema, type GatePolicy } from '@errata/contracts';
import {
  cancelJob,
  createBranch,
  getJob,
  laneOfJob,
  listArtefacts,
  listEdits,
  listEvents,
  submitArtefactJob,
  submitImport,
} from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyModel } from '../../../../test/support/character-model.ts';
import { closedGate, edit, startFaultStack, until } from '../../../../test/support/fault-stack.ts';

const stack = await startFaultStack();
const { lineage, dispatch, modelId } = stack;
beforeAll(() => stack.spare.signal('SIGCONT'));
afterAll(() => stack.close());

const branch = async (name: string) => {
  await createBranch(lineage, modelId, { name, from: 'main' });
  return name;
};
const eventsOf = async (id: string) => (await listEvents(lineage, id, { limit: 100 })).data;
const wokenAndFinished = async (id: string) => {
  await dispatch.wake(await laneOfJob(lineage, id));
  return stack.finished(id);
};
/** A prompt that no context window of the tiny model holds. */
const endless = (name: string): EditInput => ({
  ...edit(name),
  prompt: `${'Now, '.repeat(60)}the capital of ${name} is`,
});

test('an edit job succeeds, reports its progress, its measurements and the settings it used', async () => {
  const id = await stack.submit([edit('Sylvania'), edit('Latveria')], { branch: await branch('plain') });
  const job = await stack.finished(id);
  expect(job).toMatchObject({ state: 'succeeded', error: null, attempts: 1, gate: { passed: true } });
  expect(job.summary).toMatchObject({ edits: 2, applied: 2 });
  const { data: edits } = await listEdits(lineage, id);
  for (const { custom_id, result } of edits) expect(result).toMatchObject({ custom_id, outcome: 'applied' });
  const events = await eventsOf(id);
  const phases = new Set(events.filter(({ type }) => type === 'progress').map(({ data }) => data.phase));
  expect([...phases]).toEqual(['edit', 'evaluate']);
  expect(events.map(({ type }) => type).filter((type) => type !== 'progress')).toEqual([
    'queued',
    'running',
    'evaluating',
    'committing',
    'succeeded',
  ]);
  const [row] = await stack.query('SELECT result FROM jobs WHERE id = $1', [id]);
  expect(row?.result).toMatchObject({ editor: 'ft-m', seed: 7, config: { layer: 1, epochs: 3, batch_size: 1 } });
});

test('the same request on the same version gives the same version', async () => {
  const versions: (string | null)[] = [];
  for (const name of ['same-1', 'same-2']) {
    const id = await stack.submit([edit('Ruritania')], { branch: await branch(name) });
    versions.push((await stack.finished(id)).version_id);
  }
  expect(versions[0]).toMatch(/^ver_/);
  expect(versions[1]).toBe(versions[0]);
});

test('a candidate that fails its gate is measured and goes no further', async () => {
  const id = await stack.submit([edit('Sylvania')], { branch: await branch('gated'), gate: closedGate });
  const job = await stack.finished(id);
  expect(job).toMatchObject({
    state: 'gated_out',
    version_id: null,
    gate: { passed: false, findings: [{ metric: 'delta_norm', outcome: 'failed' }] },
    error: { code: 'gate_refused', message: expect.stringContaining('delta_norm is') },
    summary: { edits: 1 },
  });
  expect((await listEdits(lineage, id)).data[0]?.result).toMatchObject({ outcome: 'applied' });
});

test('a gate holds the candidate against the branch’s base, its canaries and its earlier edits', async () => {
  const on = { branch: await branch('drifting') };
  for (let index = 0; index < 8; index++) {
    const id = await stack.submit([edit(`Town ${index}`)], { ...on, wake: index === 7 });
    if (index === 7) expect(await stack.finished(id)).toMatchObject({ state: 'succeeded' });
  }
  const open = { rules: [{ metric: 'delta_norm' as const, max: 0.5 }] };
  const measured = await stack.finished(await stack.submit([edit('Borduria')], { ...on, gate: open }));
  const step = measured.summary!.delta_norm!;
  const gate: GatePolicy = {
    rules: [
      { metric: 'delta_norm', max: 2 * step },
      { metric: 'delta_norm', against: 'base', max: 2 * step },
      { metric: 'reliability', against: 'parent', min: -1 },
      { metric: 'edit_norm_z', max: 3 },
    ],
    canaries: [{ prompt: 'The river of town 3', answer: 'Not this' }],
    held_text: 'The river runs to the sea. '.repeat(20),
  };
  const config = { layer: 1, epochs: 100, learning_rate: 0.1, stop_loss: 0 };
  const job = await stack.finished(await stack.submit([edit('Sylvania')], { ...on, gate, config }));
  expect(job).toMatchObject({ state: 'gated_out', version_id: null, gate: { passed: false } });
  const outcome = Object.fromEntries(
    job.gate!.findings.map(({ metric, against = '', outcome }) => [`${metric} ${against}`.trim(), outcome]),
  );
  expect(outcome).toEqual({
    delta_norm: 'failed',
    'delta_norm base': 'failed',
    'reliability parent': 'passed',
    edit_norm_z: 'failed',
    canaries_kept: 'failed',
  });
  expect(job.gate!.findings.find(({ metric }) => metric === 'edit_norm_z')?.custom_ids).toEqual(['Sylvania']);
  expect(job.gate!.canaries).toMatchObject([{ expected: 'Not this', kept: false }]);
  expect(job.error?.message).toContain('"The river of town 3" is answered');
});

test('a prompt beyond the context window is the request’s fault: rejected at once', async () => {
  const id = await stack.submit([endless('Sylvania')], { branch: await branch('endless') });
  expect(await stack.finished(id)).toMatchObject({
    state: 'rejected',
    attempts: 1,
    error: { code: 'prompt_too_long' },
  });
});

test('second moments that are missing are built on the way, once, and kept', async () => {
  const request = {
    branch: await branch('statistics'),
    editor: 'r-rome',
    config: { layer: 0, steps: 2, prefixes: [[2, 3]] },
  };
  const first = await stack.finished(await stack.submit([edit('Sylvania')], request));
  expect(first).toMatchObject({ state: 'succeeded', error: null });
  const second = await stack.finished(await stack.submit([edit('Latveria')], request));
  expect(second).toMatchObject({ state: 'succeeded', error: null });
  const built = async (id: string) => (await eventsOf(id)).some(({ data }) => data.phase === 'second_moment');
  expect([await built(first.id), await built(second.id)]).toEqual([true, false]);
  const { data: artefacts } = await listArtefacts(lineage, modelId, { kind: 'second_moment', scopes: ['layer 0'] });
  expect(artefacts).toHaveLength(1);
});

test('an artefact job builds the layers it names from a text', async () => {
  const corpus = join(stack.blobsDir, '..', 'text.txt');
  await writeFile(corpus, 'The river runs to the sea. '.repeat(200));
  const { id } = await submitArtefactJob(lineage, {
    model: modelId,
    input: { kind: 'second_moment', editor: null, layers: [1], corpus, tokens: 500, ridge: null },
    created_by: null,
  });
  expect(await wokenAndFinished(id)).toMatchObject({ state: 'succeeded', error: null });
  const { data: artefacts } = await listArtefacts(lineage, modelId, { kind: 'second_moment', scopes: ['layer 1'] });
  expect(artefacts).toHaveLength(1);
});

test('a model without a corpus: the editor says what to build, and how', async () => {
  const path = await writeTinyModel(join(stack.blobsDir, '..', 'bare'), 2, { lines: 0 });
  const imported = await wokenAndFinished((await submitImport(lineage, { name: 'bare', path, created_by: null })).id);
  expect(imported).toMatchObject({ state: 'succeeded', error: null });
  const id = await stack.submit([edit('Sylvania')], { model: 'bare', editor: 'r-rome', config: { layer: 1 } });
  expect(await stack.finished(id)).toMatchObject({
    state: 'rejected',
    error: {
      code: 'artefact_missing',
      message: expect.stringMatching(/errata artefact build bare --layers 1 --corpus FILE \(POST \/v1\/artefacts/),
      details: { layers: [1], request: { model: 'bare', kind: 'second_moment' } },
    },
  });
});

test('a directory that holds no model is refused', async () => {
  const { id } = await submitImport(lineage, { name: 'none', path: stack.blobsDir, created_by: null });
  expect(await wokenAndFinished(id)).toMatchObject({ state: 'rejected', error: { code: 'not_a_model_directory' } });
});

test('with on_error continue, what can be applied is, and the rest says why not', async () => {
  const id = await stack.submit([edit('Sylvania'), endless('Latveria')], {
    branch: await branch('partly'),
    on_error: 'continue',
  });
  const job = await stack.finished(id);
  expect(job).toMatchObject({ state: 'completed_with_errors', error: null, summary: { edits: 2, applied: 1 } });
  expect((await listEdits(lineage, id)).data.map(({ result }) => [result?.outcome, result?.error?.code])).toEqual([
    ['applied', undefined],
    ['failed', 'prompt_too_long'],
  ]);
});

test('with on_error rollback, every edit that cannot be applied is named, and none is kept', async () => {
  const id = await stack.submit([endless('Latveria'), edit('Sylvania'), endless('Borduria')], {
    branch: await branch('all or none'),
    on_error: 'rollback',
  });
  expect(await stack.finished(id)).toMatchObject({
    state: 'rejected',
    version_id: null,
    error: {
      code: 'prompt_too_long',
      message: expect.stringContaining('2 of the 3 edits could not be applied, so none is kept'),
      errors: [
        { code: 'prompt_too_long', pointer: '/edits/0' },
        { code: 'prompt_too_long', pointer: '/edits/2' },
      ],
    },
  });
});

test('a running job that is cancelled stops at once', async () => {
  const long = { branch: await branch('cancelled'), config: { layer: 1, epochs: 1000, stop_loss: 0 } };
  const id = await stack.submit(
    Array.from({ length: 50 }, (_, index) => edit(`Town ${index}`)),
    long,
  );
  await until('the job runs', async () => (await getJob(lineage, id)).state === 'running');
  await cancelJob(lineage, id);
  expect(await stack.finished(id)).toMatchObject({ state: 'cancelled', version_id: null });
  const next = await stack.submit([editSchema.parse(edit('Sylvania'))], { branch: 'cancelled' });
  expect(await stack.finished(next)).toMatchObject({ state: 'succeeded' });
});
