// The worker process at its door: what it says when it cannot start, and how it is asked about its health.
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';

const database = await createTestDatabase();
const folder = await mkdtemp(join(tmpdir(), 'errata-worker-'));
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const command = ['apps/worker/bin/worker.js'];
const cwd = fileURLToPath(new URL('../../..', import.meta.url));
const run = (env: Record<string, string>): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, command, { cwd, encoding: 'utf8', env: { PATH: process.env.PATH, ...env } });

test('settings that are missing or malformed are named, all at once', () => {
  const { status, stderr } = run({ LEASE_MS: 'soon' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^errata-worker: invalid_request: settings: DATABASE_URL: is required; LEASE_MS: .*\n$/);
});

test('a database that is not there is a sentence, not a stack', () => {
  const { status, stderr } = run({ DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^errata-worker: unavailable: the database cannot be reached: .*\n$/);
  expect(stderr).not.toContain('secret');
});

const workerEnvironment = () => ({
  ...process.env,
  DATABASE_URL: database.url,
  BLOBS_DIR: join(folder, 'blobs'),
  METRICS_PORT: '0',
  LOG_LEVEL: 'info',
});

/** What a worker has logged until it is ready, and after. */
function readLog(stdout: Readable): { readonly port: Promise<number>; readonly text: () => string } {
  let output = '';
  const port = new Promise<number>((resolve) => {
    stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const found = /"metrics_port":(\d+)/.exec(output)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  });
  return { port, text: () => output };
}

test('a worker on an empty database lays it out, serves its health, and ends when it is told to', async () => {
  const worker = spawn(process.execPath, command, {
    cwd,
    env: workerEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(worker, 'exit');
  const log = readLog(worker.stdout);
  const port = await log.port;
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: 'ok', problems: [] }]);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toContain('errata_worker_lanes_held 0');
  worker.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(log.text()).not.toContain(`:${new URL(database.url).password}@`);
});

test('a worker ends with the process that started it', async () => {
  const worker = spawn(process.execPath, command, {
    cwd,
    env: workerEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(worker, 'exit');
  await readLog(worker.stdout!).port;
  worker.disconnect();
  expect(await exited).toEqual([0, null]);
});
