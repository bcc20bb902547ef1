// Inboxes and schedules as a person at the command line has them: whole processes against a running service.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scopes } from '@errata/contracts';
import { createKey, openLineage } from '@errata/lineage';
import { createErrata } from '@errata/sdk';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSettings as readApiSettings, startApi } from '../apps/api/src/index.ts';
import { readSettings as readWorkerSettings, startWorker } from '../apps/worker/src/index.ts';
import { createTestDatabase } from './support/database.ts';
import { writeTinyModel } from './support/tiny-model.ts';

const bin = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
const log = pino({ level: 'silent' });
const closers: (() => Promise<unknown>)[] = [];
let environment: NodeJS.ProcessEnv;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-schedules-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const settings = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0', ERRATA_THREADS: '1' };
  const api = await startApi(readApiSettings(settings), log);
  closers.push(() => api.close());
  const worker = await startWorker(readWorkerSettings({ ...settings, WORKER_NAME: 'schedules' }), log);
  closers.push(() => worker.stop());
  const lineage = await openLineage(database.url);
  const { token } = await createKey(lineage, 'test', scopes);
  await lineage.close();
  environment = { ...process.env, NO_COLOR: '1', ERRATA_URL: api.url, ERRATA_API_KEY: token };
  const tiny = await writeTinyModel();
  closers.push(async () => tiny.remove());
  const errata = createErrata({ baseUrl: api.url, apiKey: token });
  await errata.jobs.wait((await errata.models.import({ name: 'tiny', path: tiny.path })).id);
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const errata = (args: readonly string[], input = ''): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], { env: environment }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
    child.stdin?.end(input);
  });
const json = async (...args: string[]) => JSON.parse((await errata([...args, '--json'])).out);
const line = (subject: string, target_new: string, more: object = {}) =>
  `${JSON.stringify({ prompt: 'The capital of {} is', subject, target_new, ...more })}\n`;

test('from the inbox by a schedule into a version, all at the command line', { timeout: 300_000 }, async () => {
  const file = join(folder, 'edits.jsonl');
  await writeFile(file, line('Oz', 'Rome', { custom_id: 'oz' }) + line('Ix', 'Bern'));
  const settings = ['--batch-size', '3', '--on-contradiction', 'ask', '--edits-per-day', '50', '-e', 'ft-m'];
  const editor = ['-s', 'layer=2', '-s', 'learning_rate=0.02', '-s', 'epochs=60'];
  const when = ['--cron', '0 3 * * 1', '--time-zone', 'Europe/Berlin'];
  const created = await errata(['schedule', 'create', 'weekly', '-m', 'tiny', ...when, ...settings, ...editor]);
  expect(created).toMatchObject({ code: 0, err: '' });
  expect(created.out).toMatch(/^weekly on main schedule_\w+\n/);
  for (const part of ['0 3 * * 1 (Europe/Berlin)', '3 edits at most', 'ask', '50 edits a day', 'ft-m {"layer":2'])
    expect(created.out).toContain(part);

  expect((await errata(['inbox', 'add', file, '-m', 'tiny'])).out).toBe('2 added; 2 wait in the inbox of tiny\n');
  expect((await errata(['inbox', 'add', file, '-m', 'tiny'])).out).toBe(
    '1 added, 1 were there already; 3 wait in the inbox of tiny\n',
  );
  const rivals = line('Ur', 'Rome', { custom_id: 'a' });
  await errata(['inbox', 'add', '-', '-m', 'tiny', '--priority', '-1'], rivals);
  await errata(['inbox', 'add', '-', '-m', 'tiny'], line('Ur', 'Bern', { custom_id: 'b' }));
  const bad = await errata(['inbox', 'add', '-', '-m', 'tiny'], `${rivals}{"subject": "Oz"}\n`);
  expect(bad).toMatchObject({ code: 1, err: expect.stringContaining('line 2') });
  const doubled = (await json('inbox', 'list', '-m', 'tiny', '--state', 'pending'))[2];
  expect((await errata(['inbox', 'remove', doubled.id, '-m', 'tiny'])).out).toContain(`withdrawn ${doubled.id}`);

  const triggered = await errata(['schedule', 'trigger', 'weekly']);
  expect(triggered.out).toMatch(/^queued job_\w+\n$/);
  const job = triggered.out.split(' ')[1]!.trim();
  expect((await errata(['jobs', 'follow', job])).out).toContain('job_');
  const runs = await errata(['schedule', 'runs', 'weekly']);
  expect(runs.out).toMatch(/manual\s+2\s+0\s+0\s+2\s+0\s+0\s+\w+ job_/);
  expect((await json('schedule', 'show', 'weekly')).last_run).toMatchObject({ job_id: job, counts: { held: 2 } });

  const [b, a] = await json('inbox', 'list', '-m', 'tiny', '--state', 'held');
  expect([a.custom_id, b.custom_id]).toEqual(['a', 'b']);
  expect((await errata(['inbox', 'keep', b.id, '-m', 'tiny'])).out).toContain(`pending ${b.id}`);
  const listed = (await errata(['inbox', 'list', '-m', 'tiny'])).out;
  expect(listed).toMatch(/superseded\s+-1\s+The capital of Ur is\s+Rome/);

  expect((await errata(['schedule', 'change', 'weekly', '--when-pending', '9'])).out).toContain('or when 9 wait');
  expect((await errata(['schedule', 'pause', 'weekly'])).out).toContain('paused');
  expect((await errata(['schedule', 'list', '-m', 'tiny@main'])).out).toMatch(/weekly\s+main\s.*paused/);
  expect((await errata(['schedule', 'resume', 'weekly'])).out).toContain('T02:00:00.000Z');
  expect((await errata(['schedule', 'delete', 'weekly'])).out).toBe('deleted weekly\n');
  expect(await errata(['schedule', 'show', 'weekly'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('unknown_schedule'),
  });
});
