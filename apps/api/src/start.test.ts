// The process: settings from the environment, a schema made at the start, requests answered, a clean end.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKey, openLineage } from '@errata/lineage';
import { afterAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';
import { readSettings, startApi } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-start-'));
const database = await createTestDatabase();
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

describe('settings', () => {
  test('have defaults, and blank ones count as absent', () => {
    const settings = readSettings({ DATABASE_URL: 'postgres://h/d', QUEUE_URL: '', PORT: '', ERRATA_THREADS: '3' });
    expect(settings).toMatchObject({
      databaseUrl: 'postgres://h/d',
      queueUrl: 'postgres://h/d',
      host: '127.0.0.1',
      port: 7700,
      engine: { threads: 3 },
      rateLimit: 0,
      serving: { engines: 1, warm: [] },
    });
    const serving = { SERVING_ENGINES: '3', SERVING_WARM: 'atlas, atlas@production,', SERVING_VERSIONS_MB: '100' };
    expect(readSettings({ DATABASE_URL: 'postgres://h/d', ...serving }).serving).toEqual({
      engines: 3,
      warm: ['atlas', 'atlas@production'],
      engine: { versionsMb: 100 },
    });
  });

  test('that are wrong are all named', () => {
    const wrong = {
      DATABASE_URL: 'mysql://h',
      PORT: '99999',
      LOG_LEVEL: 'loud',
      BODY_LIMIT: '-1',
      SERVING_ENGINES: '0',
    };
    const thrown = (() => {
      try {
        return readSettings(wrong);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toMatchObject({
      code: 'invalid_request',
      errors: ['DATABASE_URL', 'PORT', 'LOG_LEVEL', 'BODY_LIMIT', 'SERVING_ENGINES'].map((field) => ({ field })),
    });
  });
});

const environment = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0', LOG_LEVEL: 'warn' };

test('two that start at once on an empty database make its schema once, and both serve', async () => {
  const settings = readSettings(environment);
  const [one, two] = await Promise.all([startApi(settings), startApi(settings)]);
  for (const { url } of [one, two]) {
    const state = async () => (await fetch(`${url}/readyz`)).json();
    await expect.poll(state, { timeout: 60_000 }).toMatchObject({ status: 503, details: { missing: ['worker'] } });
  }
  await Promise.all([one.close(), two.close()]);
  await one.close();
  await expect(fetch(`${one.url}/healthz`)).rejects.toThrow();
});

test('a database that cannot be reached is said plainly, and nothing stays open', async () => {
  const unreachable = new URL(database.url);
  unreachable.port = '1';
  const settings = readSettings({ ...environment, DATABASE_URL: unreachable.href });
  await expect(startApi(settings)).rejects.toMatchObject({ code: 'unavailable' });
  const queueless = readSettings({ ...environment, QUEUE_URL: 'http://nowhere' });
  await expect(startApi(queueless)).rejects.toMatchObject({ code: 'invalid_request' });
});

describe('as a process', () => {
  const start = (settings: Record<string, string>) =>
    spawn(process.execPath, [fileURLToPath(new URL('../bin/api.js', import.meta.url))], {
      env: { ...process.env, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

  /** Collects what a stream says; resolves once it has said what is looked for. */
  const says = (stream: NodeJS.ReadableStream, wanted: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      let text = '';
      stream.on('data', (chunk) => {
        text += chunk;
        const found = wanted.exec(text);
        if (found !== null) resolve(found);
      });
      stream.once('end', () => reject(new Error(`it never said ${wanted}, but ${text}`)));
    });

  test('it serves until SIGTERM, which ends open event streams and the process with 0', async () => {
    const child = start({ ...environment, LOG_LEVEL: 'info' });
    const exit = ended(child);
    const [, url] = await says(child.stdout, /"url":"(http:[^"]+)"/);
    const lineage = await openLineage(database.url);
    const { token } = await createKey(lineage, 'test', ['admin']);
    await lineage.close();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const imported = await fetch(`${url}/v1/models`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ name: 'atlas', path: '/models/atlas' }),
    });
    const stream = await fetch(`${url}${imported.headers.get('location')}/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
    });
    const reading = stream.text();
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(await reading).toContain('event: queued');
  });

  test('settings that are wrong end it with 1 and one line that names them', async () => {
    const child = start({ DATABASE_URL: 'nonsense' });
    const exit = ended(child);
    const [line] = await says(child.stderr, /errata-api: .*DATABASE_URL.*\n/);
    expect(line).not.toContain(' at ');
    expect(await exit).toBe(1);
  });
});
