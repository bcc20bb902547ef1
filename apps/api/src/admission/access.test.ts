// Generated from the table of routes: every one refuses who has no key, a key that is none, or one without the scope.
import { readFile } from 'node:fs/promises';
import { type Scope, scopes } from '@errata/contracts';
import { revokeKey } from '@errata/lineage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';
import { describeApi } from '../openapi/describe.ts';
import { withRoutes } from '../openapi/routes-table.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi({ rateLimit: 0 });
  await api.importModel('atlas');
});
afterAll(() => api.close());

const concrete = (url: string) => url.replaceAll(/:\w+/g, 'atlas');
const verb = (method: string) => method as 'GET' | 'POST' | 'DELETE';

test('every route but those of the service itself refuses callers without a key', async () => {
  const before = await api.counts();
  const open: string[] = [];
  for (const { method, url, access } of api.app.routeTable) {
    if (access === 'public') {
      open.push(url);
      continue;
    }
    for (const token of [null, 'errata_sk_made-up', 'x'.repeat(1000)]) {
      const { status, body, headers } = await api.call(verb(method), concrete(url), { token });
      expect({ route: `${method} ${url}`, status, code: body.code }).toEqual({
        route: `${method} ${url}`,
        status: 401,
        code: 'unauthorized',
      });
      expect(headers['www-authenticate']).toBe('Bearer');
    }
  }
  const ofService = ['/healthz', '/readyz', '/metrics', '/openapi.json'];
  // The files of the pages, which show nothing by themselves.
  const ofPages = ['/', '/assets/:asset'];
  const ofTheBoard = ['/bull-board', '/bull-board/*', '/bull-board/static/*'];
  expect([...new Set(open)].sort()).toEqual([...ofPages, ...ofTheBoard, ...ofService, '/v1/session'].sort());
  expect(await api.counts()).toEqual(before);
});

test('every route refuses a key that has all other scopes, before it reads the body', async () => {
  const before = await api.counts();
  const tokens = new Map<Scope, string>();
  for (const scope of scopes) {
    tokens.set(scope, await api.keyWith(...scopes.filter((other) => other !== scope && other !== 'admin')));
  }
  for (const { method, url, access } of api.app.routeTable) {
    if (access === 'public') continue;
    const { status, body } = await api.call(verb(method), concrete(url), {
      token: tokens.get(access)!,
      headers: { 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{"broken' } : {}),
    });
    expect({ route: `${method} ${url}`, status, code: body.code, details: body.details }).toEqual({
      route: `${method} ${url}`,
      status: 403,
      code: 'missing_scope',
      details: { scope: access },
    });
  }
  expect(await api.counts()).toEqual(before);
});

test('admin stands for every scope; a revoked key stands for none', async () => {
  const token = await api.keyWith('admin');
  for (const { method, url, access } of api.app.routeTable) {
    if (access === 'public' || method === 'DELETE') continue;
    const { status } = await api.call(verb(method), concrete(url), { token });
    expect({ route: `${method} ${url}`, refused: [401, 403].includes(status) }).toEqual({
      route: `${method} ${url}`,
      refused: false,
    });
  }
  const [{ id } = { id: '' }] = await api
    .query('SELECT id FROM api_keys ORDER BY created_at DESC, id DESC LIMIT 1')
    .then((rows) => rows as { id: string }[]);
  await revokeKey(api.lineage, id);
  expect((await api.get('/v1/models', { token })).status).toBe(401);
});

test('keys are stored as hashes only', async () => {
  const dump = JSON.stringify(await api.query('SELECT * FROM api_keys'));
  expect(dump).not.toContain(api.key);
  expect(dump).not.toContain('errata_sk_');
});

describe('openapi.json', () => {
  test('is what the routes say: run `npm run openapi` after changing them', async () => {
    const committed = await readFile(new URL('../../openapi.json', import.meta.url), 'utf8');
    expect(committed).toBe(await describeApi());
    expect((await api.get('/openapi.json', { token: null })).body).toEqual(JSON.parse(committed));
  });

  test('holds every route, with its scope, and nothing else', async () => {
    const { paths } = JSON.parse(await describeApi()) as {
      paths: Record<string, Record<string, { security?: { apiKey: string[] }[]; responses: object }>>;
    };
    const described = Object.entries(paths).flatMap(([path, verbs]) =>
      Object.entries(verbs).map(([method, { security, responses }]) => {
        expect(responses).toHaveProperty('default');
        return `${method.toUpperCase()} ${path} ${security?.[0]?.apiKey[0] ?? 'public'}`;
      }),
    );
    const routed = api.app.routeTable
      .filter(({ hidden }) => !hidden)
      .map(({ method, url, access }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')} ${access}`);
    expect(described.sort()).toEqual(routed.sort());
  });
});

test('docs/api.md has every route with its scope (`npm run openapi` writes them)', async () => {
  const page = await readFile(new URL('../../../../docs/api.md', import.meta.url), 'utf8');
  expect(page.match(/^\| `[A-Z]+ \//gm)).toHaveLength(api.app.routeTable.filter(({ hidden }) => !hidden).length);
  expect(page).toBe(withRoutes(page, await describeApi()));
});

test('a key that sends too much is told when to come back; others are not affected', async () => {
  const limited = await openApi({ rateLimit: 3 });
  try {
    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await limited.get('/v1/models')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const { headers, body } = await limited.get('/v1/models');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(body).toMatchObject({ code: 'rate_limited', retryable: true });
    expect((await limited.get('/v1/models', { token: await limited.keyWith('models:read') })).status).toBe(200);
  } finally {
    await limited.close();
  }
});
