// People: by tokens of a real provider, each fault of which is told, and by signing in at it.
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';
import { readSettings } from '../settings.ts';
import { createLog } from '../start.ts';
import { audience, clientId, signInAt, startProvider } from './provider.fixture.ts';
import { openProvider, type Provider } from './provider.ts';

const publicUrl = 'https://errata.example';
let api: ApiFixture;
let idp: Awaited<ReturnType<typeof startProvider>>;
let provider: Provider;
let app: ApiFixture['app'];
const logged: string[] = [];
beforeAll(async () => {
  api = await openApi();
  const groups = { ada: ['desk', 'readers'], root: ['admins'], nobody: [] };
  idp = await startProvider(`${publicUrl}/v1/session/oidc/callback`, groups);
  provider = openProvider({
    issuer: idp.issuer,
    clientId,
    audiences: [clientId, audience],
    claim: 'groups',
    roles: [
      { value: 'admins', role: 'admin', project: null },
      { value: 'desk', role: 'editor', project: 'news' },
      { value: 'readers', role: 'reader', project: 'sports' },
    ],
    publicUrl,
  });
  const write = (line: string) => void logged.push(line);
  app = await api.another({ provider, logger: createLog({ logLevel: 'trace' }, { write }) });
  for (const name of ['news', 'sports', 'other']) {
    await api.importModel(name);
    await api.post('/v1/projects', { name });
    await api.call('PUT', `/v1/projects/${name}/models/${name}`);
  }
});
afterAll(async () => {
  await app.close();
  await api.close();
  await idp.close();
});

async function call(method: 'GET' | 'POST' | 'DELETE', url: string, headers: Record<string, string>, payload?: object) {
  const answer = await app.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, headers: answer.headers, body: answer.payload === '' ? null : answer.json() };
}
const withToken = async (token: Promise<string> | string) => ({ authorization: `Bearer ${await token}` });
const ada = () => idp.token({ sub: 'ada', name: 'Ada', groups: ['desk', 'readers'] });

test('a token lets in by the roles of its claim, in each project by its own', async () => {
  const token = await withToken(ada());
  const edits = (model: string) => call('POST', '/v1/edit_jobs', token, { model, edits: [anEdit('x')] });
  const made = await edits('news');
  expect(made.status).toBe(202);
  expect(await edits('sports')).toMatchObject({ status: 403, body: { code: 'missing_scope' } });
  expect((await call('GET', '/v1/models/sports', token)).status).toBe(200);
  expect((await call('GET', '/v1/models/other', token)).body.code).toBe('model_out_of_reach');
  expect((await call('GET', '/v1/jobs', token)).body.data.map(({ id }: { id: string }) => id)).toContain(made.body.id);
  expect((await call('GET', '/v1/models', token)).body.data.map(({ id }: { id: string }) => id)).toEqual([
    'news',
    'sports',
  ]);
  const edit = (await api.get('/v1/edits?created_by=ada')).body.data[0];
  expect(edit).toMatchObject({ author: 'Ada', created_by: expect.stringMatching(/^person_/) });
  const entries = (await api.get(`/v1/audit?actor=${edit.created_by}`)).body.data;
  expect(entries).toMatchObject([
    { act: 'person.admitted', details: { name: 'Ada', issuer: idp.issuer, subject: 'ada' } },
    { act: 'job.submitted', subject: made.body.id },
  ]);
  expect((await api.get('/v1/keys')).body.data.map(({ id }: { id: string }) => id)).not.toContain(edit.created_by);
});

test('roles are those of the latest token, and one in the whole service reaches all of it', async () => {
  const less = await withToken(idp.token({ sub: 'ada', name: 'Ada', groups: 'readers' }));
  expect((await call('GET', '/v1/models/news', less)).body.code).toBe('model_out_of_reach');
  const root = await withToken(idp.token({ sub: 'root', groups: ['admins'] }));
  expect((await call('GET', '/v1/models/other', root)).status).toBe(200);
  expect((await call('POST', '/v1/projects', root, { name: 'new' })).status).toBe(201);
  // Who was turned out stays out, whatever the provider says.
  const [{ id }] = (await api.query("SELECT id FROM api_keys WHERE name = 'root'")) as [{ id: string }];
  expect((await api.call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
  expect((await call('GET', '/v1/models/other', root)).status).toBe(401);
});

test('what is wrong with a token is told', async () => {
  const { privateKey: key } = await generateKeyPair('RS256');
  const good = { sub: 'ada', groups: ['desk'] };
  const [head, body] = (await ada()).split('.');
  for (const [token, why] of [
    [idp.token(good, { expires: '-5m' }), /has expired, at \d{4}-/],
    [idp.token({ ...good, aud: 'another' }), /is for "another", and not for this service/],
    [
      idp.token({ ...good, iss: 'https://another.example' }),
      /from "https:\/\/another.example", which is not the provider/,
    ],
    [idp.token(good, { key, kid: 'unknown' }), /a key that the provider does not publish/],
    [idp.token(good, { key }), /a signature that is not its own/],
    [idp.token({ groups: ['desk'] }), /no sub that counts/],
    [`${btoa('{"alg":"none"}')}.${body}.`, /neither an API key nor a token/],
    [`${head}.${body}`, /neither an API key nor a token/],
    ['x', /neither an API key nor a token/],
  ] as const) {
    const answer = await call('GET', '/v1/models', await withToken(token));
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized', detail: expect.stringMatching(why) } });
  }
  const stranger = await call('GET', '/v1/models', await withToken(idp.token({ sub: 'x', groups: ['none'] })));
  expect(stranger).toMatchObject({
    status: 403,
    body: { code: 'missing_scope', detail: expect.stringContaining('"groups"') },
  });
  expect(await api.query("SELECT 1 FROM api_keys WHERE name = 'x'")).toEqual([]);
});

test('a browser signs in at the provider and comes back with a session, which no one else can finish', async () => {
  expect((await call('GET', '/v1/session', {})).body.login_url).toBe('/v1/session/oidc');
  const begin = async () => {
    const { status, headers } = await app.inject('/v1/session/oidc').then(({ statusCode, headers: given }) => ({
      status: statusCode,
      headers: given,
    }));
    expect(status).toBe(302);
    return { location: String(headers.location), cookie: String(headers['set-cookie']) };
  };
  const { location, cookie } = await begin();
  expect(cookie).toMatch(/HttpOnly; SameSite=Lax; Secure/);
  expect(new URL(location).searchParams.get('code_challenge_method')).toBe('S256');
  const back = new URL(await signInAt(location, 'ada', publicUrl));
  const arrive = (with_: string) =>
    app.inject({ url: back.pathname + back.search, headers: { cookie: with_.split(';')[0]! } });
  expect((await arrive('')).statusCode).toBe(401);
  expect((await arrive((await begin()).cookie)).statusCode).toBe(401);
  const arrived = await arrive(cookie);
  expect([arrived.statusCode, arrived.headers.location]).toEqual([302, '/']);
  const session = [arrived.headers['set-cookie']].flat().find((each) => /^errata_session/.test(each ?? ''))!;
  expect(session).toMatch(/HttpOnly; SameSite=Strict; Secure/);
  const own = { cookie: session.split(';')[0]! };
  const { body } = await call('GET', '/v1/session', own);
  expect(body).toMatchObject({ key: { name: 'Dr ada' }, expires_at: expect.any(String) });
  expect(Date.parse(body.expires_at) - Date.now()).toBeLessThan(8 * 3_600_000 + 1000);
  expect((await call('GET', '/v1/models/news', own)).status).toBe(200);
  expect((await call('GET', '/v1/models/other', own)).status).toBe(403);
  expect(logged.join('')).not.toContain(back.searchParams.get('code'));
  // A code counts once.
  expect((await arrive(cookie)).statusCode).toBe(401);
  const empty = new URL(await signInAt((await begin()).location, 'nobody', publicUrl));
  expect(empty.searchParams.get('code')).not.toBeNull();
});

test('a provider that is away is told as that, and keys go on', async () => {
  const alone = await api.another({
    provider: openProvider({
      issuer: 'http://127.0.0.1:1',
      clientId,
      audiences: [clientId],
      claim: 'groups',
      roles: [],
      publicUrl,
    }),
  });
  const ask = async (token: string) =>
    (await alone.inject({ url: '/v1/models', headers: { authorization: `Bearer ${token}` } })).statusCode;
  expect([await ask(await ada()), await ask(api.key)]).toEqual([503, 200]);
  await alone.close();
});

test('settings say who vouches and what roles follow, or what of that is wrong', () => {
  const given = { DATABASE_URL: 'postgres://x/y', OIDC_ISSUER: 'https://login.example', OIDC_CLIENT_ID: 'errata' };
  const read = (more: object) => readSettings({ ...given, ...more }).provider;
  expect(readSettings({ DATABASE_URL: given.DATABASE_URL }).provider).toBeUndefined();
  expect(read({ OIDC_ROLES: 'boss=admin, a=b=editor@news, *=reader@default', OIDC_AUDIENCE: 'api' })).toMatchObject({
    audiences: ['errata', 'api'],
    claim: 'groups',
    roles: [
      { value: 'boss', role: 'admin', project: null },
      { value: 'a=b', role: 'editor', project: 'news' },
      { value: '*', role: 'reader', project: 'default' },
    ],
  });
  expect(() => read({ OIDC_ROLES: 'boss=king' })).toThrow(/"boss=king" is not VALUE=ROLE/);
  expect(() => read({})).toThrow(/OIDC_ISSUER takes OIDC_ROLES beside it/);
  expect(() => read({ OIDC_ROLES: 'x=admin', OIDC_ISSUER: 'http://login.example' })).toThrow(/https/);
});
