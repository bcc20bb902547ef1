// The whole main job over HTTP: a model imported, corrected, served, refused a harmful batch, and taken back.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scopes } from '@errata/contracts';
import { createKey, openLineage } from '@errata/lineage';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSettings as readApiSettings, startApi } from '../apps/api/src/index.ts';
import { readSettings as readWorkerSettings, startWorker } from '../apps/worker/src/index.ts';
import { createTestDatabase } from './support/database.ts';
import { writeTinyModel } from './support/tiny-model.ts';

const log = pino({ level: 'silent' });
const closers: (() => Promise<unknown>)[] = [];
let errata: ErrataClient;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'errata-main-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const environment = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0', ERRATA_THREADS: '1' };
  const api = await startApi(readApiSettings(environment), log);
  closers.push(() => api.close());
  const worker = await startWorker(readWorkerSettings({ ...environment, WORKER_NAME: 'main-job' }), log);
  closers.push(() => worker.stop());
  const lineage = await openLineage(database.url);
  const { token } = await createKey(lineage, 'test', scopes);
  await lineage.close();
  errata = createErrata({ baseUrl: api.url, apiKey: token });

  const tiny = await writeTinyModel();
  closers.push(async () => tiny.remove());
  const job = await errata.models.import({ name: 'tiny', path: tiny.path });
  expect(await errata.jobs.wait(job.id)).toMatchObject({ state: 'succeeded', error: null });
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const config = { layer: 2, learning_rate: 0.02, epochs: 60 };
const capital = (place: string, target_new: string, fields: object = {}) => ({
  custom_id: place,
  prompt: `The capital of ${place} is`,
  subject: place,
  target_new,
  ...fields,
});
const greedy = { prompt: 'The capital of Oz is', max_tokens: 6, temperature: 0 };
const answer = async (model: string) => {
  const { version, choices } = await errata.completions.create({ ...greedy, model });
  return { version, text: choices[0]!.text };
};

test('corrections become a version, a harmful batch does not, and a rollback brings the old answer back', async () => {
  const before = await answer('tiny');

  const statistics = await errata.artefacts.create({ model: 'tiny', kind: 'second_moment', layers: [1] });
  expect(await errata.jobs.wait(statistics.id)).toMatchObject({ state: 'succeeded' });
  expect(await errata.artefacts.list({ model: 'tiny' }).all()).toMatchObject([{ kind: 'second_moment', layer: 1 }]);

  const gate = { rules: [{ metric: 'reliability' as const, min: 0.5 }] };
  const submitted = await errata.editJobs.create({
    model: 'tiny',
    editor: 'ft-m',
    config,
    gate,
    edits: [capital('Oz', 'Rome')],
  });
  const states: string[] = [];
  const edited = await errata.jobs.wait(submitted.id, { onEvent: ({ state }) => states.push(state) });
  expect(edited).toMatchObject({
    state: 'succeeded',
    error: null,
    gate: { passed: true },
    parent_version_id: before.version,
  });
  expect([...new Set(states)]).toEqual(['queued', 'running', 'evaluating', 'committing', 'succeeded']);
  const [result] = await errata.jobs.results(submitted.id);
  expect(result).toMatchObject({ custom_id: 'Oz', result: { outcome: 'applied' } });

  const after = await answer('tiny');
  expect(after.version).toBe(edited.version_id);
  expect(after.text).not.toBe(before.text);
  expect(await answer(`tiny@${before.version}`)).toEqual(before);
  expect((await errata.models.get('tiny')).edited).toBe(true);

  const harmful = await errata.editJobs.create({
    model: 'tiny',
    editor: 'ft-m',
    config,
    gate: { rules: [{ metric: 'delta_norm', max: 1e-9 }] },
    edits: [capital('Oz', 'Lima')],
  });
  expect(await errata.jobs.wait(harmful.id)).toMatchObject({
    state: 'gated_out',
    version_id: null,
    gate: { passed: false, findings: [{ metric: 'delta_norm', outcome: 'failed' }] },
  });
  expect(await answer('tiny')).toEqual(after);

  const [edit] = await errata.jobs.edits(submitted.id).all();
  const rollback = await errata.rollbacks.create({
    model: 'tiny',
    mode: 'exact',
    revert_edit_ids: [edit!.id],
    reason: 'it was right before',
  });
  expect(await errata.jobs.wait(rollback.id)).toMatchObject({ state: 'succeeded', version_id: before.version });
  expect(await answer('tiny')).toEqual(before);
  const moves = await errata.branches.log('tiny', 'main').all();
  expect(moves.map(({ kind, to_version }) => [kind, to_version])).toEqual([
    ['exact', before.version],
    ['edit', after.version],
    ['created', before.version],
  ]);
});

test('what cannot be done is refused, before it is queued where that can be seen then, and changes nothing', async () => {
  const head = (await errata.branches.get('tiny', 'main')).head;
  const edits = [capital('Oz', ' Rome', { prompt: `${'a very long way '.repeat(10)} to Oz is` })];
  await expect(errata.editJobs.create({ model: 'tiny', editor: 'ft-m', edits })).rejects.toMatchObject({
    code: 'invalid_edits',
    errors: [{ code: 'prompt_too_long', pointer: '/edits/0/prompt', custom_id: 'Oz' }],
  });
  const nowhere = await errata.models.import({ name: 'nowhere', path: join(tmpdir(), 'errata-no-such-model') });
  expect(await errata.jobs.wait(nowhere.id)).toMatchObject({
    state: 'rejected',
    error: { code: 'not_a_model_directory' },
  });
  expect((await errata.branches.get('tiny', 'main')).head).toBe(head);
  expect((await errata.models.list().all()).map(({ name }) => name)).toEqual(['tiny']);
});
