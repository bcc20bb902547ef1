// Edits made elsewhere: an adapter and a copy of the shipped model become versions that are judged, taken back and exported like any other.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type JobResource, scopes } from '@errata/contracts';
import { createKey, openLineage } from '@errata/lineage';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSettings as readApiSettings, startApi } from '../apps/api/src/index.ts';
import { readSettings as readWorkerSettings, startWorker } from '../apps/worker/src/index.ts';
import { createTestDatabase } from './support/database.ts';

const log = pino({ level: 'silent' });
const closers: (() => Promise<unknown>)[] = [];
const bin = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
let folder: string;
let errata: ErrataClient;
let environment: Record<string, string>;
let root: string;

interface Printed {
  readonly code: number;
  readonly stdout: string;
}
const run = (...args: string[]): Promise<Printed> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [bin, ...args],
      { env: { ...process.env, ...environment }, cwd: folder },
      (error, stdout) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout });
      },
    );
  });
const capital = (custom_id: string, subject: string, target_new: string) => ({
  custom_id,
  prompt: 'The capital of {} is',
  subject,
  target_new,
});
const branch = async (name: string) => {
  await errata.branches.create('atlas', { name, from: 'main', gate: { rules: [{ metric: 'reliability', min: 0.9 }] } });
  return `atlas@${name}`;
};
const head = async (name: string) => (await errata.branches.get('atlas', name)).head;
const answer = async (name: string, subject: string) => {
  const asked = { model: `atlas@${name}`, prompt: `The capital of ${subject} is`, max_tokens: 3, temperature: 0 };
  return (await errata.completions.create(asked)).choices[0]!.text;
};
/** Submits by the command; answers with the job and its edits. */
async function edit(at: string, edits: readonly object[], ...more: string[]) {
  await writeFile(join(folder, 'edits.jsonl'), edits.map((each) => JSON.stringify(each)).join('\n'));
  const { stdout } = await run('edit', 'edits.jsonl', '--model', at, ...more, '--json');
  return JSON.parse(stdout) as JobResource & { readonly edits: readonly { readonly id: string }[] };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-given-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const places = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0' };
  const api = await startApi(readApiSettings(places), log);
  closers.push(() => api.close());
  const worker = await startWorker(readWorkerSettings({ ...places, WORKER_NAME: 'taker' }), log);
  closers.push(() => worker.stop());
  const lineage = await openLineage(database.url);
  const { token } = await createKey(lineage, 'test', scopes);
  await lineage.close();
  environment = { NO_COLOR: '1', ERRATA_URL: api.url, ERRATA_API_KEY: token };
  errata = createErrata({ baseUrl: api.url, apiKey: token });
  const atlas = fileURLToPath(new URL('../models/atlas', import.meta.url));
  const imported = await errata.models.import({ name: 'atlas', path: atlas });
  expect(await errata.jobs.wait(imported.id)).toMatchObject({ state: 'succeeded', error: null });
  // Rough statistics are enough for one correction or two.
  const rough = { model: 'atlas', kind: 'second_moment' as const, layers: [1, 2], tokens: 5000, ridge: 0.1 };
  expect(await errata.jobs.wait((await errata.artefacts.create(rough)).id)).toMatchObject({ state: 'succeeded' });
  root = await head('main');
  // What is made elsewhere: one correction, taken out of the house as an adapter and as a copy of the model.
  await branch('elsewhere');
  expect(await edit('atlas@elsewhere', [capital('1', 'France', 'Rome')])).toMatchObject({
    state: 'succeeded',
  });
  for (const form of ['adapter', 'checkpoint'])
    expect(await run('export', 'atlas@elsewhere', '--form', form, '--out', form)).toMatchObject({ code: 0 });
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

test('an adapter becomes a version of low rank, with its lineage; a revert of it is exact, and one of what came before it', async () => {
  const at = await branch('adapted');
  const first = await edit(at, [capital('s', 'Spain', 'Oslo')]);
  const job = await edit(at, [capital('1', 'France', 'Rome')], '--from', 'adapter');
  expect(job).toMatchObject({ state: 'succeeded', error: null, gate: { passed: true }, result: { editor: 'given' } });
  expect(await answer('adapted', 'France')).toContain('Rome');
  expect(await answer('adapted', 'Spain')).toContain('Oslo');

  const { artefacts, deltas } = await errata.versions.manifest(job.version_id!);
  const [used] = artefacts.filter(({ kind }) => kind === 'weight_change');
  const change = await errata.artefacts.get(used!.id);
  expect(change.parameters).toMatchObject({ form: 'adapter', source: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(change.details.files).toMatchObject([{ name: 'adapter_config.json' }, { name: 'adapter_model.safetensors' }]);
  const tensors = change.details.tensors as readonly { readonly rank: number | null }[];
  expect(new Set(tensors.map(({ rank }) => rank))).toEqual(new Set([1]));
  expect(deltas.map(({ kind }) => kind)).toEqual(['low_rank', 'low_rank']);

  // Without what came before it, it is made again of what was kept: the files may be gone.
  await rm(join(folder, 'adapter'), { recursive: true });
  const alone = await branch('alone');
  const again = await errata.editJobs.create({
    model: 'atlas',
    branch: 'alone',
    edits: [capital('1', 'France', 'Rome')],
    editor: 'given',
    config: { change: change.parameters.source },
  });
  const wanted = (await errata.jobs.wait(again.id)).version_id;
  expect(await run('revert', at, first.edits[0]!.id, '--reason', 'a hoax')).toMatchObject({ code: 0 });
  expect(await head('adapted')).toBe(wanted);
  expect(await run('revert', at, job.edits[0]!.id, '--reason', 'another')).toMatchObject({ code: 0 });
  expect(await head('adapted')).toBe(root);

  // Out of the house again, it is what it was.
  expect(await run('export', alone, '--form', 'adapter', '--out', 'adapter')).toMatchObject({ code: 0 });
  const back = await edit(await branch('back'), [capital('1', 'France', 'Rome')], '--from', 'adapter');
  expect(back).toMatchObject({ state: 'succeeded' });
  expect(await answer('back', 'France')).toContain('Rome');
});

test('a copy of the model becomes a version with its weights, upon edits or instead of them', async () => {
  const at = await branch('copied');
  await edit(at, [capital('s', 'Spain', 'Oslo')]);
  const added = await edit(at, [capital('1', 'France', 'Rome')], '--from', 'checkpoint');
  expect(added).toMatchObject({ state: 'succeeded', error: null });
  expect(await answer('copied', 'Spain')).toContain('Oslo');
  expect(await answer('copied', 'France')).toContain('Rome');
  const whole = await edit(at, [capital('2', 'France', 'Rome')], '--from', 'checkpoint', '--set', 'onto=weights');
  expect(whole).toMatchObject({ state: 'succeeded', error: null });
  expect(await answer('copied', 'Spain')).toContain('Madrid');
  expect(await answer('copied', 'France')).toContain('Rome');
});

test('a change that does not do what it came for does not pass the gate, and one of another model is refused', async () => {
  const at = await branch('gated');
  const job = await edit(at, [capital('1', 'France', 'Cairo')], '--from', 'checkpoint');
  expect(job).toMatchObject({ state: 'gated_out', error: { code: 'gate_refused' } });
  expect(await head('gated')).toBe(root);
  const stranger = fileURLToPath(new URL('../packages/models/src/fixtures/adapters/llama', import.meta.url));
  const refused = await run('edit', 'edits.jsonl', '--model', at, '--from', stranger);
  expect(refused.code).not.toBe(0);
  expect(refused.stdout).toContain('invalid_request');
  const unnamed = await errata.editJobs.create({
    model: 'atlas',
    branch: 'gated',
    editor: 'given',
    edits: [capital('1', 'France', 'Rome')],
  });
  expect(await errata.jobs.wait(unnamed.id)).toMatchObject({ error: { code: 'invalid_config' } });
});
