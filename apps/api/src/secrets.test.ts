// What nobody may read in a log: keys, sessions, links and passwords are planted wherever a request or a setting can hold them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createKey, createSignInLink, openLineage, revokeKey } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';
import { readSettings } from './settings.ts';
import { createLog, startApi } from './start.ts';

const database = await createTestDatabase();
const folder = await mkdtemp(join(tmpdir(), 'errata-secrets-'));
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const environment = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0', LOG_LEVEL: 'trace' };

function openLogBook() {
  let text = '';
  const book = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return { log: createLog({ logLevel: 'trace' }, book), text: () => text };
}

test('nothing that opens a door is in the log of requests, whether they are let in or not', async () => {
  const { log, text } = openLogBook();
  const api = await startApi(readSettings(environment), log);
  const lineage = await openLineage(database.url);
  try {
    const { key, token } = await createKey(lineage, 'planted', ['admin']);
    const { token: link } = await createSignInLink(lineage, key.id);
    const made = 'errata_sk_planted-and-made-up-0123456789-0123456789';
    const json = (body: unknown, headers: Record<string, string> = {}) => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const ask = (path: string, init: RequestInit = {}) => fetch(`${api.url}${path}`, init);
    const session = await ask('/v1/session', json({ api_key: token }));
    const cookie = /=([^;]+);/.exec(session.headers.get('set-cookie')!)![1]!;
    const { csrf_token: csrf } = (await session.json()) as { csrf_token: string };
    const statuses = [session];
    for (const authorization of [`Bearer ${token}`, `Bearer ${made}`, `Basic ${made}`, made])
      statuses.push(await ask('/v1/models', { headers: { authorization } }));
    statuses.push(await ask('/v1/session', json({ api_key: made })), await ask('/v1/session', json({ link })));
    statuses.push(await ask('/v1/session', json({ link })), await ask('/v1/session', json(`{"api_key":"${made}"`)));
    statuses.push(await ask('/v1/session', json({ api_key: [made], [made]: 1 })));
    statuses.push(await ask('/v1/session', { headers: { cookie: session.headers.get('set-cookie')!.split(';')[0]! } }));
    statuses.push(
      await ask(
        '/v1/edit_jobs',
        json({ model: made, [made]: made }, { authorization: `Bearer ${token}`, 'x-csrf-token': csrf }),
      ),
    );
    await revokeKey(lineage, key.id);
    statuses.push(await ask('/v1/models', { headers: { authorization: `Bearer ${token}` } }));
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([200, 201, 400, 401]));
    const lines = text();
    expect(lines.split('\n').length).toBeGreaterThan(statuses.length);
    for (const secret of [token, link, made, cookie, csrf]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(lines, secret).not.toContain(secret);
    }
  } finally {
    await lineage.close();
    await api.close();
  }
});

test('passwords of servers that cannot be reached are neither in the log nor in what is thrown', async () => {
  const password = 'planted-password-0123456789';
  for (const settings of [
    { DATABASE_URL: `postgres://errata:${password}@127.0.0.1:1/errata` },
    { QUEUE_URL: `redis://errata:${password}@127.0.0.1:1` },
    { QUEUE_URL: `http://errata:${password}@127.0.0.1:1` },
    { BLOBS_URL: `s3://errata:${password}@bucket/prefix` },
    { DATABASE_URL: `mysql://errata:${password}@127.0.0.1:1/errata` },
  ]) {
    const { log, text } = openLogBook();
    const failure: unknown = await (async () => startApi(readSettings({ ...environment, ...settings }), log))().then(
      async (api) => {
        await api.close();
        return null;
      },
      (error) => error,
    );
    log.warn({ err: failure, failure }, 'what a caller makes of it');
    expect(text(), JSON.stringify(settings)).not.toContain(password);
    expect(String(failure)).not.toContain(password);
  }
});
