// The whole main job over HTTP: a model imported, corrected, served, refused a harmful batch, and taken back.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ExportReport, rootManifest, scopes } from '@errata/contracts';
import { startEngine } from '@errata/engine';
import { createKey, getModel, openLineage } from '@errata/lineage';
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
let folder: string;
let databaseUrl: string;
let service: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-main-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  databaseUrl = database.url;
  const environment = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0', ERRATA_THREADS: '1' };
  const api = await startApi(readApiSettings(environment), log);
  closers.push(() => api.close());
  const worker = await startWorker(readWorkerSettings({ ...environment, WORKER_NAME: 'main-job' }), log);
  closers.push(() => worker.stop());
  const lineage = await openLineage(database.url);
  const { token } = await createKey(lineage, 'test', scopes);
  await lineage.close();
  service = { ERRATA_URL: api.url, ERRATA_API_KEY: token };
  errata = createErrata({ baseUrl: api.url, apiKey: token });

  const tiny = await writeTinyModel({
    files: { 'additional_chat_templates/rag.jinja': '{{ documents }}', LICENSE: 'MIT' },
  });
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
  const origin = [{ reference: expect.stringMatching(/^\//), format: 'safetensors' }];
  expect(await errata.models.get('tiny')).toMatchObject({ edited: true, origin });

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
  expect(new Set((await errata.models.list().all()).map(({ name }) => name))).toEqual(new Set(['tiny']));
});

const eventsOf = async (id: string) => {
  const events: { type: string; phase: unknown }[] = [];
  for await (const { type, data } of errata.jobs.events(id)) events.push({ type, phase: data.phase });
  return events;
};
const batch = { model: 'tiny', editor: 'ft-m', config, gate: { rules: [] } };

test('a trial edits, measures and judges, and commits nothing', async () => {
  const { head } = await errata.branches.get('tiny', 'main');
  const queued = await errata.editJobs.try({ ...batch, edits: [capital('Ix', 'Lima')] });
  const tried = await errata.jobs.wait(queued.id);
  expect(tried).toMatchObject({ state: 'succeeded', trial: true, version_id: null, gate: { passed: true } });
  expect(tried.summary).toMatchObject({ edits: 1, applied: 1 });
  expect(await errata.jobs.results(queued.id)).toMatchObject([{ custom_id: 'Ix', result: { outcome: 'applied' } }]);
  expect((await errata.branches.get('tiny', 'main')).head).toBe(head);
  await expect(
    errata.editJobs.create({ ...batch, edits: [capital('Ix', 'Lima')], level: 'compute' } as never),
  ).rejects.toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/level' }] });
});

test('work that a finished job has done is taken over, on any branch at that version, unless it is to be done again', async () => {
  const edits = [capital('Ix', 'Lima'), capital('Oz', 'Rome')];
  await errata.branches.create('tiny', { name: 'other', from: 'main' });
  const run = async (fields: object) => {
    const { id } = await errata.editJobs.create({ ...batch, edits, ...fields });
    const job = await errata.jobs.wait(id);
    expect(job).toMatchObject({ state: 'succeeded', error: null });
    const solved = (await eventsOf(id)).some(({ type, phase }) => type === 'progress' && phase === 'edit');
    return { job, solved, results: await errata.jobs.results(id) };
  };
  const first = await run({});
  expect([first.solved, first.job.result?.reused_job_id]).toEqual([true, undefined]);

  const second = await run({ branch: 'other' });
  expect([second.solved, second.job.result?.reused_job_id]).toEqual([false, first.job.id]);
  expect(second.job).toMatchObject({
    version_id: first.job.version_id,
    summary: first.job.summary,
    gate: first.job.gate,
  });
  expect(second.results.map(({ result }) => result)).toEqual(first.results.map(({ result }) => result));
  // What it commits answers edits of its own, which can be taken back.
  const [own] = await errata.jobs.edits(second.job.id).all();
  const { id } = await errata.rollbacks.create({
    model: 'tiny',
    branch: 'other',
    mode: 'exact',
    revert_edit_ids: [own!.id],
    reason: 'to see that it can be',
  });
  expect(await errata.jobs.wait(id)).toMatchObject({ state: 'succeeded' });

  const elsewhere = async (name: string, fields: object) => {
    await errata.branches.create('tiny', { name, from: first.job.parent_version_id! });
    return run({ branch: name, ...fields });
  };
  const forced = await elsewhere('forced', { force: true });
  expect([forced.solved, forced.job.result?.reused_job_id]).toEqual([true, undefined]);
  expect(forced.job.version_id).toBe(first.job.version_id);
  const seeded = await elsewhere('seeded', { seed: 9 });
  expect([seeded.solved, seeded.job.result?.reused_job_id]).toEqual([true, undefined]);
});

test('a version is exported as a checkpoint that holds its very weights', async () => {
  const out = join(folder, 'exported');
  const cli = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
  const environment = { ...process.env, ...service };
  const errataExport = (...given: string[]) =>
    promisify(execFile)(process.execPath, [cli, 'export', ...given, '--json'], { env: environment });
  const { stdout } = await errataExport('tiny', '--out', out);
  const { head } = await errata.branches.get('tiny', 'main');
  expect(JSON.parse(stdout)).toMatchObject({ version_id: head, out });
  const beside = ['LICENSE', 'additional_chat_templates/rag.jinja', 'corpus.txt', 'errata.json'];
  const files = ['config.json', 'merges.txt', 'model.safetensors', 'vocab.json', ...beside];
  expect(JSON.parse(stdout).files.sort()).toEqual(files.sort());
  expect((await readdir(out, { recursive: true })).sort()).toEqual(['additional_chat_templates', ...files].sort());
  await expect(errataExport('tiny', '--out', out)).rejects.toMatchObject({ code: 1 });

  const engine = startEngine({ blobsDir: join(folder, 'blobs'), threads: 1 });
  try {
    const exported = await engine.call('importModel', { path: out });
    const weights = (manifest: ReturnType<typeof rootManifest>, model: typeof exported) =>
      engine.call('digestWeights', { model: { digest: model.digest, files: model.files }, version: manifest });
    const lineage = await openLineage(databaseUrl);
    const { resource, files } = await getModel(lineage, 'tiny');
    await lineage.close();
    const original = {
      ...exported,
      digest: resource.digest,
      files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
    };
    const served = await weights(await errata.versions.manifest(head), original);
    expect(await weights(rootManifest(exported.digest), exported)).toEqual(served);
    expect(await weights(rootManifest(original.digest), original)).not.toEqual(served);
  } finally {
    await engine.stop();
  }
});

test('a version leaves in forms that other tools load, and comes back from them', async () => {
  const cli = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
  const environment = { ...process.env, ...service };
  const written = async (form: string, ...more: string[]) => {
    const out = join(folder, `as-${form}`);
    const given = ['export', 'tiny', '--out', out, '--form', form, ...more, '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, [cli, ...given], { env: environment });
    return JSON.parse(stdout) as { readonly out: string; readonly report: ExportReport };
  };
  const { head } = await errata.branches.get('tiny', 'main');
  await expect(written('adapter')).rejects.toMatchObject({
    stdout: expect.stringMatching(/the kind dense, not of low rank.*--rank R/),
  });
  const [adapter, gguf] = [await written('adapter', '--rank', '32'), await written('gguf')];
  expect(adapter.report).toMatchObject({ form: 'adapter', version: head, modules: [{ rank: 32 }] });
  expect(gguf.report).toMatchObject({ form: 'gguf', dtype: 'float32', version: head });

  const engine = startEngine({ blobsDir: join(folder, 'blobs'), threads: 1 });
  try {
    const logits = async (given: { readonly path: string; readonly base?: string }) => {
      const { digest, files } = await engine.call('importModel', given);
      const asked = { model: { digest, files }, version: rootManifest(digest), prompt: 'The capital of Oz is' };
      return (await engine.call('logits', asked)).logits;
    };
    const wanted = await logits({ path: join(folder, 'exported') });
    for (const path of [adapter.out, join(gguf.out, 'model.gguf')]) {
      const found = await logits({ path });
      expect(found.every((value, i) => Math.abs(value - wanted[i]!) < 1e-4)).toBe(true);
    }
  } finally {
    await engine.stop();
  }
  await expect(errata.versions.export(head, { form: 'onnx', dtype: 'float16' })).rejects.toMatchObject({
    code: 'invalid_request',
    errors: [{ field: 'dtype' }],
  });
});

test('a version with a codebook is no checkpoint', async () => {
  await errata.branches.create('tiny', { name: 'memory', from: 'main' });
  const { id } = await errata.editJobs.create({
    model: 'tiny',
    branch: 'memory',
    editor: 'grace',
    config: { layer: 1, steps: 5 },
    gate: { rules: [] },
    edits: [capital('Ur', 'Lima')],
  });
  const { version_id } = await errata.jobs.wait(id);
  await expect(errata.versions.export(version_id!)).rejects.toMatchObject({ code: 'not_a_checkpoint', status: 422 });
});
