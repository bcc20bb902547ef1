// errata up, as a person runs it: stacks on a database that is given, and whole ones whose every part is killed, and that are interrupted at any moment.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findRedisServer } from '@errata/local-services';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { afterAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';
import { childrenOf } from '../../../../test/support/processes.ts';

const bin = fileURLToPath(new URL('../../bin/errata.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'errata-up-'));
const database = await createTestDatabase();
const env = { ...process.env, NO_COLOR: '1', DATABASE_URL: database.url, QUEUE_URL: database.url };
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const commandLine = (data: string, port: number, workers = 0) =>
  ['up', '--workers', String(workers), '--port', String(port), '--data', data] as const;

/** Runs a stack that is not to come up. */
const refused = (
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { env: { ...env, ...more } }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<NodeJS.Signals | number | null>;
  /** What it has said on its standard error. */
  readonly told: () => string;
}

function run(args: readonly string[], environment: NodeJS.ProcessEnv): Running {
  const child = spawn(process.execPath, [bin, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  child.stderr.on('data', (chunk) => {
    told += chunk;
  });
  const exited = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code)),
  );
  return { child, exited, told: () => told };
}

/** Starts a stack and waits until it says that it is up. */
async function up(
  data: string,
  { workers = 0, port = 0, environment = env as NodeJS.ProcessEnv } = {},
): Promise<Running & { url: string; key: string }> {
  const running = run(commandLine(data, port, workers), environment);
  let said = '';
  for await (const chunk of running.child.stdout!) {
    said += chunk;
    if (said.includes('Ctrl-C')) break;
  }
  const { url, api_key: key } = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8'));
  return { ...running, url, key };
}

test('a data directory has one stack: a second is refused and harms nothing, and what a dead one left is taken over', async () => {
  const data = join(folder, 'data');
  mkdirSync(data);
  const gone = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => gone.once('exit', resolve));
  writeFileSync(join(data, 'stack.lock'), JSON.stringify({ pid: gone.pid, url: 'http://127.0.0.1:1' }));

  const { url, key, child, exited } = await up(data);
  const second = await refused(commandLine(data, 0));
  expect(second).toMatchObject({ code: 1, stdout: '' });
  expect(second.stderr).toContain(`error data_dir_in_use already running at ${url} (pid ${child.pid}, as `);
  expect(existsSync(join(data, 'connection.json'))).toBe(true);
  const models = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect(models.status).toBe(200);

  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  expect(readdirSync(data).filter((name) => name.includes('.'))).toEqual([]);
});

test('a port that another service has is refused at once, though that one answers as if it were ready', async () => {
  const other = createServer((_, response) => response.end('{"status":"ready"}'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const data = join(folder, 'taken');
  // PORT is what --port says unless that is given.
  const args = ['up', '--workers', '0', '--data', data];
  const { code, stdout, stderr } = await refused(args, { PORT: String(port) });
  other.close();
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(`error cannot_listen the API cannot listen on 127.0.0.1:${port}: another program listens`);
  expect(readdirSync(data)).toEqual(['api-key', 'blobs', 'logs']);
  expect(readFileSync(join(data, 'logs', 'api.log'), 'utf8')).not.toMatch(/EADDRINUSE|restart/);
});

test('a port that is none is a mistake, wherever it is given', async () => {
  const data = join(folder, 'no-port');
  const given = await refused(['up', '--data', data], { PORT: 'eighty' });
  expect([given.code, given.stderr.split('\n')[0]]).toEqual([
    2,
    'error: PORT is "eighty". It must be a port, 0 to 65535.',
  ]);
  expect((await refused(['up', '--data', data, '--port', '70000'])).code).toBe(2);
  expect(existsSync(data)).toBe(false);
});

const redis = await findRedisServer();

describe('a stack with a database and a queue of its own', () => {
  const data = join(folder, 'own');
  const { DATABASE_URL: _, QUEUE_URL: __, ...environment } = env as NodeJS.ProcessEnv;
  chmodSync(folder, 0o711); // PostgreSQL may have to run as another user

  /** Programs that a stack runs, by a word of how they were called. */
  const words = {
    database: 'postgres',
    ...(redis === undefined ? {} : { queue: 'redis' }),
    worker: 'worker.js',
    API: 'api.js',
  };
  const programsOf = async ({ child }: Running) => {
    const children = await childrenOf(child.pid!);
    const pidOf = (word: string) => children.find(({ command }) => command.includes(word))?.pid;
    return Object.entries(words).map(([name, word]) => ({ name, pid: pidOf(word) }));
  };
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  let imports = 0;
  const runJob = async (client: ErrataClient) => {
    imports += 1;
    const job = await client.models.import({ name: `model-${imports}`, path: atlas });
    expect(await client.jobs.wait(job.id)).toMatchObject({ state: 'succeeded' });
  };
  const atlas = fileURLToPath(new URL('../../../../models/atlas', import.meta.url));

  test('interrupted while it starts, at any of its steps, it leaves nothing running and can be started again', async () => {
    const moments = [
      ['the database is being made', () => readdirSync(data).some((name) => name.startsWith('postgres'))],
      ['the database starts', () => existsSync(join(data, 'postgres', 'postmaster.pid'))],
      ['the API starts', () => existsSync(join(data, 'logs', 'api.log'))],
    ] as const;
    for (const [moment, reached] of moments) {
      const running = run(commandLine(data, 0, 1), environment);
      const gone = running.exited.then(() => true);
      const there = () => existsSync(join(data, 'stack.lock')) && reached();
      while (!there() && running.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
      const children = await childrenOf(running.child.pid!);
      running.child.kill('SIGTERM');
      await gone;
      expect([moment, await running.exited]).toEqual([moment, 130]);
      expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
      expect(readdirSync(data).filter((name) => name.includes('.'))).toEqual([]);
    }
  });

  test('whatever dies is started again and said, /readyz names what is missing, and jobs go on', async () => {
    const stack = await up(data, { workers: 1, environment });
    const client = createErrata({ baseUrl: stack.url, apiKey: stack.key });
    const ready = async () => (await fetch(`${stack.url}/readyz`).catch(() => undefined))?.status;
    expect(await ready()).toBe(200);
    for (const path of ['postgres', 'logs', 'blobs']) expect(statSync(join(data, path)).mode & 0o777).toBe(0o700);
    for (const path of ['api-key', 'connection.json']) expect(statSync(join(data, path)).mode & 0o777).toBe(0o600);

    for (const { name, pid } of await programsOf(stack)) {
      process.kill(pid!, 'SIGKILL');
      await expect.poll(stack.told, { timeout: 60_000 }).toMatch(new RegExp(`${name}( 1)? is up again`));
      expect(stack.told()).toMatch(new RegExp(`${name}( 1)? ended \\(SIGKILL\\)`));
      await expect.poll(ready, { timeout: 60_000 }).toBe(200);
      await runJob(client);
    }
    const before = await programsOf(stack);
    stack.child.kill('SIGKILL');
    await stack.exited;

    // On the very port that the API of the dead one may still hold.
    const again = await up(data, { workers: 1, port: Number(new URL(stack.url).port), environment });
    await runJob(createErrata({ baseUrl: again.url, apiKey: again.key }));
    await expect.poll(() => before.filter(({ pid }) => isAlive(pid!)), { timeout: 60_000 }).toEqual([]);

    // A worker that cannot hear it does not keep it: asked once more, it does not wait.
    const programs = await programsOf(again);
    process.kill(programs.find(({ name }) => name === 'worker')!.pid!, 'SIGSTOP');
    again.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 700));
    again.child.kill('SIGINT');
    expect(await again.exited).toBe(0);
    expect(programs.filter(({ pid }) => isAlive(pid!))).toEqual([]);
    expect(readdirSync(data).filter((name) => name.includes('.'))).toEqual([]);
  });
});
