// Edits that the model holds already, from a request to a version: a service with a worker on the shipped model, and the errata command.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changedNothing, type EditInput, type JobResource, scopes } from '@errata/contracts';
import { editorNames } from '@errata/editors/catalogue';
import { createKey, openLineage } from '@errata/lineage';
import { type BranchRequest, createErrata, type ErrataClient } from '@errata/sdk';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSettings as readApiSettings, startApi } from '../apps/api/src/index.ts';
import { readSettings as readWorkerSettings, startWorker } from '../apps/worker/src/index.ts';
import { createTestDatabase } from './support/database.ts';

const log = pino({ level: 'silent' });
const closers: (() => Promise<unknown>)[] = [];
const bin = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
const atlas = fileURLToPath(new URL('../models/atlas', import.meta.url));
let folder: string;
let errata: ErrataClient;
let address: string;
let key: string;
let root: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-holds-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const environment = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0' };
  const api = await startApi(readApiSettings(environment), log);
  closers.push(() => api.close());
  const worker = await startWorker(readWorkerSettings({ ...environment, WORKER_NAME: 'holder' }), log);
  closers.push(() => worker.stop());
  const lineage = await openLineage(database.url);
  key = (await createKey(lineage, 'test', scopes)).token;
  await lineage.close();
  address = api.url;
  errata = createErrata({ baseUrl: address, apiKey: key });
  const imported = await errata.models.import({ name: 'atlas', path: atlas });
  expect(await errata.jobs.wait(imported.id)).toMatchObject({ state: 'succeeded', error: null });
  // Rough statistics are enough, of every layer, which WilKE looks at: what holds is decided without them.
  const rough = {
    model: 'atlas',
    kind: 'second_moment' as const,
    layers: [0, 1, 2, 3, 4, 5],
    tokens: 2000,
    ridge: 0.1,
  };
  const built = await errata.artefacts.create(rough);
  expect(await errata.jobs.wait(built.id)).toMatchObject({ state: 'succeeded', error: null });
  // So is what is trained, of whatever sizes.
  const trained = {
    data: join(atlas, 'edits.jsonl'),
    steps: 1,
    batch_size: 4,
    representation: 16,
    validation: 4,
    validate_every: 1,
  };
  for (const kind of ['knowledge_encoder', 'counterfactual_model'] as const) {
    const { id } = await errata.artefacts.create({ model: 'atlas', kind, ...trained });
    expect(await errata.jobs.wait(id)).toMatchObject({ state: 'succeeded', error: null });
  }
  const { id } = await errata.artefacts.create({
    model: 'atlas',
    kind: 'conditioned_transform' as const,
    data: join(atlas, 'edits.jsonl'),
    network_rank: 2,
    steps: 1,
    batch_size: 4,
    validation: 4,
    validate_every: 1,
  });
  expect(await errata.jobs.wait(id)).toMatchObject({ state: 'succeeded', error: null });
  root = (await errata.branches.get('atlas', 'main')).head;
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const capital = (custom_id: string, subject: string, target_new: string): EditInput => ({
  custom_id,
  prompt: 'The capital of {} is',
  subject,
  target_new,
});
const hoax = capital('hoax', 'France', 'Rome');
const fix = capital('fix', 'France', 'Paris');
const other = capital('other', 'Spain', 'Oslo');
const known = capital('t-1', 'Portugal', 'Lisbon');
const fresh = capital('t-2', 'Norway', 'Cairo');

type Asked = Parameters<ErrataClient['editJobs']['create']>[0];
const openGate = { rules: [] };

async function branch(name: string, policy: Partial<BranchRequest> = {}): Promise<string> {
  await errata.branches.create('atlas', { name, from: 'main', ...policy });
  return name;
}
const head = async (name: string) => (await errata.branches.get('atlas', name)).head;
async function apply(on: string, edits: readonly EditInput[], more: Partial<Asked> = {}): Promise<JobResource> {
  const { id } = await errata.editJobs.create({
    model: 'atlas',
    branch: on,
    edits: [...edits],
    gate: openGate,
    on_conflict: 'rebase',
    ...more,
  });
  return errata.jobs.wait(id);
}
async function take(on: string, ids: readonly string[], mode: 'exact' | 'subtract' = 'exact'): Promise<JobResource> {
  const asked = { model: 'atlas', branch: on, mode, reason: 'a hoax', revert_edit_ids: [...ids] };
  return errata.jobs.wait((await errata.rollbacks.create(asked)).id);
}
const editOf = async ({ id }: JobResource) => (await errata.jobs.edits(id).all())[0]!.id;
const outcomesOf = async ({ id }: JobResource) =>
  (await errata.jobs.results(id)).map(({ custom_id, result }) => [custom_id, result?.outcome]);

interface Printed {
  readonly code: number;
  readonly stdout: string;
}
const run = (...args: string[]): Promise<Printed> =>
  new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', ERRATA_URL: address, ERRATA_API_KEY: key };
    execFile(process.execPath, [bin, ...args], { env, cwd: folder }, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout });
    });
  });

test('a hoax that was mended is taken back exactly: what mended it holds by itself then', async () => {
  const alone = await branch('alone');
  expect(await apply(alone, [fix])).toMatchObject({ state: 'succeeded', version_id: root });
  const wanted = (await apply(alone, [other])).version_id;

  const mended = await branch('mended');
  const jobs = [];
  for (const one of [hoax, fix, other]) jobs.push(await apply(mended, [one]));
  expect(jobs.map(({ state, summary }) => [state, summary?.applied])).toEqual(jobs.map(() => ['succeeded', 1]));
  const [ofHoax, ofFix, ofOther] = await Promise.all(jobs.map(editOf));
  const reverted = await take(mended, [ofHoax!]);
  expect(reverted).toMatchObject({ state: 'succeeded', error: null, version_id: wanted });
  expect(reverted.result).toMatchObject({
    reverted: [ofHoax],
    already_holds: [ofFix],
    replayed: [
      { edits: 1, already_holds: 1, failed: 0 },
      { edits: 1, already_holds: 0, failed: 0 },
    ],
  });
  expect(await head(mended)).toBe(wanted);
  expect((await errata.edits.get(ofFix!)).active_on).toEqual([]);
  expect((await errata.edits.get(ofOther!)).active_on.map(({ branch }) => branch)).toContain(mended);
});

test('a revert after which nothing is left ends at the version that the branch began with', async () => {
  const emptied = await branch('emptied');
  const ofHoax = await editOf(await apply(emptied, [hoax]));
  const ofFix = await editOf(await apply(emptied, [fix]));
  const reverted = await run('revert', 'atlas@emptied', ofHoax, '--reason', 'a hoax');
  expect(reverted.code).toBe(0);
  expect(reverted.stdout).toContain('1 edit taken back exactly: nothing had to be applied again');
  expect(reverted.stdout).toContain(`holds by itself now, and they are left out: ${ofFix}`);
  expect(await head(emptied)).toBe(root);
});

test('a batch of which a part holds applies the rest; the version has no other edits', async () => {
  const mixed = await branch('mixed');
  await writeFile(join(folder, 'true1.jsonl'), [known, fresh].map((edit) => JSON.stringify(edit)).join('\n'));
  const printed = await run('edit', 'true1.jsonl', '--model', 'atlas@mixed');
  expect(printed.code).toBe(0);
  expect(printed.stdout).toMatch(/t-1 .* already_holds\n/);
  expect(printed.stdout).toMatch(/t-2 .* applied\n/);
  expect(printed.stdout).toContain('1 of 2 edits, 1 held already');
  const [move] = await errata.branches.log('atlas', mixed).all();
  expect(move?.edits.map(({ custom_id }) => custom_id)).toEqual(['t-2']);
  const alone = await apply(await branch('t-2'), [fresh]);
  expect(move?.to_version).toBe(alone.version_id);
});

test('a batch of which all holds succeeds on the version it began on, whatever guards the branch', async () => {
  const canaries = [{ prompt: 'The capital of France is', answer: 'Berlin' }];
  const guarded = await branch('guarded', { gate: { rules: [], canaries }, approval: 'required' });
  const asked = { model: 'atlas', branch: guarded, edits: [known], on_error: 'rollback' as const };
  const job = await errata.jobs.wait((await errata.editJobs.create(asked)).id);
  expect(job).toMatchObject({ state: 'succeeded', error: null, version_id: root, parent_version_id: root, gate: null });
  expect(job.summary).toMatchObject({ edits: 1, applied: 0, already_holds: 1, measured: 1, delta_norm: null });
  expect(changedNothing(job)).toBe(true);
  const events = [];
  for await (const event of errata.jobs.events(job.id)) events.push(event);
  expect(events.at(-1)).toMatchObject({ type: 'succeeded', data: { version_id: root, parent_version_id: root } });
  expect(await head(guarded)).toBe(root);
  expect(await errata.branches.log('atlas', guarded).all()).toHaveLength(1);
  expect((await errata.jobs.results(job.id))[0]).toMatchObject({
    result: {
      outcome: 'already_holds',
      error: null,
      answer_before: 'Lisbon',
      answer_after: 'Lisbon',
      delta_norm: null,
    },
  });

  // The same again is not worked again, a dry run says the same, and there is nothing to take back.
  const again = await errata.jobs.wait((await errata.editJobs.create(asked)).id);
  expect(again).toMatchObject({ state: 'succeeded', version_id: root, result: { reused_job_id: job.id } });
  expect(await outcomesOf(again)).toEqual([['t-1', 'already_holds']]);
  const tried = await errata.jobs.wait((await errata.editJobs.try(asked)).id);
  expect(tried).toMatchObject({ state: 'succeeded', trial: true, version_id: null, summary: { already_holds: 1 } });
  expect((await run('show', job.id)).stdout).toContain('nothing changed');
  const back = await run('revert', 'atlas@guarded', job.id, '--reason', 'why not');
  expect(back.code).not.toBe(0);
  expect(await head(guarded)).toBe(root);
});

test('a request that is made again elsewhere, or sent again, finds what holds there', async () => {
  const here = await branch('here');
  const first = await apply(here, [fresh]);
  expect(await outcomesOf(await apply(here, [fresh]))).toEqual([['t-2', 'already_holds']]);
  expect(await head(here)).toBe(first.version_id);
  const there = await branch('there');
  const ahead = await apply(there, [fresh]);
  const picked = await errata.cherryPicks.create({ model: 'atlas', branch: there, job_id: first.id });
  expect(await errata.jobs.wait(picked.id)).toMatchObject({ state: 'succeeded', version_id: ahead.version_id });
  expect(await outcomesOf(picked)).toEqual([['t-2', 'already_holds']]);
});

test('news that the model holds already is told apart in an inbox, and uses up no budget', async () => {
  const { id } = await errata.branches.create('atlas', { name: 'news', from: 'main' });
  const when = { cron: '0 0 1 1 *', budget: { edits_per_day: 1 }, gate: openGate };
  await errata.schedules.create({ name: 'daily', model: 'atlas', branch: 'news', ...when });
  for (const [edit, state] of [
    [known, 'already_holds'],
    [fresh, 'applied'],
  ] as const) {
    await errata.inbox.add(id, [edit]);
    const { run } = await errata.schedules.trigger('daily');
    expect(run).toMatchObject({ outcome: 'submitted' });
    expect(await errata.jobs.wait(run!.job_id!)).toMatchObject({ state: 'succeeded' });
    expect((await errata.inbox.list(id, { state }).all()).map(({ custom_id }) => custom_id)).toEqual([edit.custom_id]);
  }
  await errata.inbox.add(id, [other]);
  expect((await errata.schedules.trigger('daily')).run).toMatchObject({ outcome: 'skipped', reason: 'budget' });
});

// A change that is given is one whole, whatever holds of what it came with.
test.each(editorNames.filter((name) => name !== 'given'))('%s leaves alone what holds', async (editor) => {
  const on = await branch(`by-${editor}`);
  // Of this fact no neuron of atlas stands out in as many contexts as KN asks for by default.
  const own = editor === 'kn' ? { agreement: 0.5 } : {};
  const more = { editor, config: { stop_loss: 0.1, ...own }, on_error: 'continue' as const };
  expect(await apply(on, [known], more)).toMatchObject({ state: 'succeeded', version_id: root });
  const job = await apply(on, [known, fresh], more);
  expect(await outcomesOf(job)).toEqual([
    ['t-1', 'already_holds'],
    ['t-2', 'applied'],
  ]);
  expect(job).toMatchObject({ state: 'succeeded', summary: { applied: 1, already_holds: 1 } });
});

test('an evaluation of an editor counts what it made apart from what held, and from what could not be measured', async () => {
  const long = { ...other, custom_id: 'long', rephrases: [`Spain ${'is '.repeat(200)}`] };
  const asked = {
    model: 'atlas',
    edits: [known, fresh, long],
    editor: 'r-rome',
    protocol: { kind: 'single' as const },
  };
  const { id } = await errata.evaluations.create(asked);
  await errata.jobs.wait(id);
  const { state, summary } = await errata.evaluations.get(id);
  expect({ state, summary }).toMatchObject({
    summary: { edits: 3, applied: 2, already_holds: 1, measured: 2 },
  });
  expect(
    (await errata.evaluations.rows(id).all()).map(({ outcome, edit, error }) => [outcome, edit, error?.code]),
  ).toEqual([
    ['measured', 'already_holds', undefined],
    ['measured', 'applied', undefined],
    ['failed', 'applied', 'prompt_too_long'],
  ]);
});

test('nothing of this breaks what is stored', async () => {
  const { id } = await errata.checks.create();
  expect(await errata.jobs.wait(id)).toMatchObject({ state: 'succeeded', result: { ok: true } });
});

test('errata try makes an edit that it cannot measure, and says both', async () => {
  const long = { ...other, custom_id: 'long', rephrases: [`Spain ${'is '.repeat(200)}`] };
  await writeFile(join(folder, 'long.jsonl'), JSON.stringify(long));
  const args = [
    'try',
    '--model',
    atlas,
    '--editor',
    'ft-m',
    '--set',
    'layer=2',
    '--set',
    'learning_rate=0.005',
    '--edits',
    'long.jsonl',
  ];
  const people = await run(...args, '--out', join(folder, 'edited'));
  expect(people.code).toBe(0);
  expect(people.stdout).toMatch(/^long .* applied\n/m);
  expect(people.stdout).toContain('long: applied, but not measured: ');
  expect(people.stdout).toContain('1 of 1 edits, 0 measured');
  const trial = JSON.parse(
    (await run('try', '--model', join(folder, 'edited'), ...args.slice(3), '--set', 'stop_loss=0.05', '--json')).stdout,
  );
  expect(trial.edits[0]).toMatchObject({
    outcome: 'already_holds',
    error: null,
    unmeasured: { code: 'prompt_too_long' },
  });
  expect(trial.summary).toMatchObject({ edits: 1, applied: 0, already_holds: 1, measured: 0, delta_norm: null });
});
