// The dashboard's files: its page at every address of a browser, assets packed and kept, and what is said where nothing was built.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';
import { readDashboard } from './built-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-dashboard-'));
mkdirSync(join(folder, 'assets'));
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Errata</title>');
writeFileSync(join(folder, 'assets', 'main-1.js'), 'console.log(1)');
writeFileSync(join(folder, 'assets', 'main-1.js.br'), 'packed');

let api: ApiFixture;
let app: FastifyInstance;
beforeAll(async () => {
  api = await openApi();
  app = await api.another({ dashboard: await readDashboard(folder) });
});
afterAll(async () => {
  await app.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const get = (url: string, headers: Record<string, string> = {}, from = app) => from.inject({ url, headers });

test.each(['/', '/jobs', '/jobs/job_1?model=atlas', '/v2'])(
  'a browser that opens %s gets the page, which runs only what comes from here',
  async (url) => {
    const { statusCode, headers, payload } = await get(url, browser);
    expect({ statusCode, payload }).toEqual({ statusCode: 200, payload: '<!doctype html><title>Errata</title>' });
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  },
);

test.each([
  ['GET', '/jobs', {}, 404],
  ['GET', '/v1/nothing', browser, 404],
  ['GET', '/assets/nothing.js', browser, 404],
  ['GET', '/assets/..%2Findex.html', browser, 404],
  ['POST', '/jobs', browser, 404],
  ['POST', '/', browser, 405],
] as const)('%s %s is the API’s to refuse', async (method, url, headers, status) => {
  const answer = await app.inject({ method, url, headers });
  expect(answer.statusCode).toBe(status);
  expect(answer.headers['content-type']).toMatch('application/problem+json');
});

test('assets are kept for good under their names, and packed for whoever takes them so', async () => {
  const packed = await get('/assets/main-1.js', { 'accept-encoding': 'gzip, br' });
  expect(packed.payload).toBe('packed');
  expect(packed.headers).toMatchObject({
    'content-encoding': 'br',
    vary: 'accept-encoding',
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': 'text/javascript; charset=utf-8',
  });
  const plain = await get('/assets/main-1.js');
  expect(plain.payload).toBe('console.log(1)');
  expect(plain.headers).not.toHaveProperty('content-encoding');
});

test('an API without built files says how to build them, and does all else', async () => {
  expect(await readDashboard(join(folder, 'nowhere'))).toBeUndefined();
  const { statusCode, payload } = await get('/jobs', browser, api.app);
  expect(statusCode).toBe(404);
  expect(JSON.parse(payload).detail).toContain('npm run build -w apps/web');
  expect((await api.get('/v1/models')).status).toBe(200);
});
