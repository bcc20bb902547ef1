// Signing in: the cookie stands for a key and no more, asks for proof where something is changed, and ends when it should.
import { createSignInLink, listKeys, revokeKey } from '@errata/lineage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
  await api.importModel('atlas');
});
afterAll(() => api.close());

interface SignedIn {
  readonly cookie: string;
  readonly csrf: string;
}

const open = (body: object, headers: Record<string, string> = {}) =>
  api.post('/v1/session', body, { token: null, headers });

async function signIn(token = api.key): Promise<SignedIn> {
  const { headers, body } = await open({ api_key: token });
  return { cookie: String(headers['set-cookie']).split(';')[0]!, csrf: body.csrf_token };
}

const as = ({ cookie }: SignedIn, headers: Record<string, string> = {}) => ({
  token: null,
  headers: { cookie, ...headers },
});

test('a key is handed over for a cookie that no script reads and no other site sends; only a hash of it is kept', async () => {
  expect((await api.get('/v1/session', { token: null })).body).toEqual({
    object: 'session',
    key: null,
    login_url: null,
    csrf_token: null,
    expires_at: null,
  });
  const { status, headers, body } = await open({ api_key: api.key });
  expect({ status, key: body.key.name }).toEqual({ status: 201, key: 'test' });
  expect(headers['set-cookie']).toMatch(
    /^errata_session_80=errata_session_[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/,
  );
  const overTls = await open({ api_key: api.key }, { origin: 'https://errata.example', host: 'errata.example' });
  expect(overTls.headers['set-cookie']).toMatch(/^errata_session=.*; SameSite=Strict; Secure$/);
  const [, token] = /=(errata_session_[\w-]+);/.exec(String(headers['set-cookie']))!;
  expect(JSON.stringify(await api.query('SELECT * FROM sessions'))).not.toContain(token);

  const session = await signIn();
  expect((await api.get('/v1/session', as(session))).body).toMatchObject({ csrf_token: session.csrf });
  expect((await api.get('/v1/models', as(session))).status).toBe(200);
  expect((await api.get('/v1/models', { token: null, headers: { cookie: 'errata_session_80=made-up' } })).status).toBe(
    401,
  );
});

test.each([
  ['a key that is none', { api_key: 'errata_sk_made-up' }, 401, 'unauthorized'],
  ['a session for a key', { api_key: 'errata_session_made-up' }, 401, 'unauthorized'],
  ['a link that is none', { link: 'errata_link_made-up' }, 401, 'unauthorized'],
  ['nothing', {}, 400, 'invalid_request'],
  ['both', { api_key: 'a', link: 'b' }, 400, 'invalid_request'],
])('%s does not sign in', async (_, body, status, code) => {
  const answer = await open(body);
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  expect(answer.headers['set-cookie']).toBeUndefined();
});

describe('what a session asks for must come from a page here', () => {
  const tag = { name: 'v1', version: 'main' };
  const path = '/v1/models/atlas/tags';

  test.each([
    ['no token', {}],
    ['another token', { 'x-errata-csrf': '0'.repeat(64) }],
    ['another site', { 'sec-fetch-site': 'same-site' }],
  ])('%s', async (_, headers) => {
    const session = await signIn();
    const proof = 'sec-fetch-site' in headers ? { 'x-errata-csrf': session.csrf } : {};
    const { status, body } = await api.post(path, tag, as(session, { ...proof, ...headers }));
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'csrf_token_missing' });
    expect((await api.get(path)).body.data).toEqual([]);
  });

  test('and then may do what its key may, and nothing else', async () => {
    const reader = await signIn(await api.keyWith('models:read'));
    const refused = await api.post(path, tag, as(reader, { 'x-errata-csrf': reader.csrf }));
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'missing_scope', details: { scope: 'aliases:write' } },
    });
    const writer = await signIn(await api.keyWith('aliases:write'));
    const own = { 'x-errata-csrf': writer.csrf, 'sec-fetch-site': 'same-origin' };
    expect((await api.post(path, tag, as(writer, own))).status).toBe(201);
    // Pages of other sites are not even shown what they may read.
    expect((await api.get(path, as(reader, { 'sec-fetch-site': 'cross-site' }))).status).toBe(403);
  });
});

test('a session ends when it is closed, when its key is revoked, and when its time is over', async () => {
  const closed = await signIn();
  expect((await api.call('DELETE', '/v1/session', as(closed))).status).toBe(403);
  const end = await api.call('DELETE', '/v1/session', as(closed, { 'x-errata-csrf': closed.csrf }));
  expect(end.status).toBe(204);
  expect(end.headers['set-cookie']).toMatch(/^errata_session_80=; Path=\/; Max-Age=0;/);

  const token = await api.keyWith('models:read');
  const revoked = await signIn(token);
  const [key] = (await listKeys(api.lineage)).slice(-1);
  expect((await api.get('/v1/models', as(revoked))).status).toBe(200);
  await revokeKey(api.lineage, key!.id);

  const old = await signIn();
  await api.query(`UPDATE sessions SET expires_at = now() WHERE created_at = (SELECT max(created_at) FROM sessions)`);
  for (const session of [closed, revoked, old]) expect((await api.get('/v1/models', as(session))).status).toBe(401);
  const left = (): Promise<number> =>
    api.query('SELECT 1 FROM sessions WHERE expires_at <= now()').then((rows) => rows.length);
  expect(await left()).toBe(1);
  await signIn();
  expect(await left()).toBe(0);
});

test('a link signs in once, also of many who open it together, and not after its time or that of its key', async () => {
  const [key] = await listKeys(api.lineage);
  const { token } = await createSignInLink(api.lineage, key!.id);
  const answers = await Promise.all(Array.from({ length: 5 }, () => open({ link: token })));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401, 401]);
  expect(answers.find(({ status }) => status === 201)?.body.key.id).toBe(key!.id);

  const late = await createSignInLink(api.lineage, key!.id);
  await api.query(`UPDATE sessions SET expires_at = now() WHERE kind = 'link'`);
  expect((await open({ link: late.token })).status).toBe(401);
  expect(
    (await api.get('/v1/models', { token: null, headers: { cookie: `errata_session_80=${late.token}` } })).status,
  ).toBe(401);

  await api.keyWith('models:read');
  const [gone] = (await listKeys(api.lineage)).slice(-1);
  const ofGone = await createSignInLink(api.lineage, gone!.id);
  await revokeKey(api.lineage, gone!.id);
  expect((await open({ link: ofGone.token })).status).toBe(401);
});
