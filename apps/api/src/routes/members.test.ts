// Members of a project: who is listed with which role, to whom, and what becomes of people whose role is changed.
import { csrfHeader, memberSchema, type Role } from '@errata/contracts';
import { admitPerson, openSession, type Person, revokeKey } from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';
import { csrfTokenOf } from '../admission/sessions.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
  for (const name of ['news', 'sports']) {
    await api.importModel(name);
    await api.post('/v1/projects', { name });
    await api.call('PUT', `/v1/projects/${name}/models/${name}`);
  }
});
afterAll(() => api.close());

/** Somebody for whom a provider vouches, with roles as `editor@news`, or `admin` in the whole service. */
async function person(name: string, ...roles: readonly string[]): Promise<string> {
  const memberships = roles.map((each) => {
    const [role, project = null] = each.split('@');
    return { role, project } as Person['memberships'][number];
  });
  const found = await admitPerson(api.lineage, { issuer: 'https://login.example', subject: name, name, memberships });
  return found!.id;
}
const key = async (name: string, body: object): Promise<{ id: string; token: string }> =>
  (await api.post('/v1/keys', { name, scopes: ['models:read'], ...body })).body;
const list = async (query = '', token?: string) =>
  api.get(`/v1/projects/news/members${query}`, token === undefined ? {} : { token });

test('keys and people of the project are listed with what they may do there, and nobody else is', async () => {
  const { id: desk } = await key('desk', { project: 'news', scopes: ['models:read', 'evals:write', 'edits:write'] });
  const { id: odd } = await key('odd', { project: 'news', scopes: ['edits:write'], models: ['news'] });
  const ada = await person('Ada', 'reader@news', 'maintainer@news', 'admin@sports');
  const bo = await person('Bo', 'editor@news');
  await key('elsewhere', { project: 'sports' });
  await key('everywhere', {});
  await person('Cy', 'admin', 'admin@news');
  await person('Di', 'reader@sports');
  await revokeKey(api.lineage, (await key('revoked', { project: 'news' })).id);
  await revokeKey(api.lineage, await person('turned out', 'admin@news'));
  const past = await key('past', { project: 'news' });
  await api.query(`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1`, [past.id]);

  const { data } = (await list()).body;
  const shown = data.map((each: unknown) => memberSchema.parse(each));
  expect(shown).toMatchObject([
    { id: desk, kind: 'key', name: 'desk', role: 'editor', given_by: null, models: null, last_used_at: null },
    { id: odd, kind: 'key', role: null, scopes: ['edits:write'], models: [expect.stringMatching(/^model_/)] },
    {
      id: ada,
      kind: 'person',
      name: 'Ada',
      role: 'maintainer',
      given_by: 'provider',
      last_used_at: expect.any(String),
    },
    { id: bo, kind: 'person', role: 'editor', scopes: ['models:read', 'edits:write', 'evals:write'] },
  ]);

  const ids = [desk, odd, ada, bo];
  const paged: string[] = [];
  for (let after = ''; ; ) {
    const { body } = await list(`?limit=1${after}`);
    paged.push(...body.data.map(({ id }: { id: string }) => id));
    if (!body.has_more) break;
    after = `&after=${body.next_cursor}`;
  }
  expect(paged).toEqual(ids);
  const ofKind = async (kind: string) => (await list(`?kind=${kind}`)).body.data.map(({ id }: { id: string }) => id);
  expect([await ofKind('key'), await ofKind('person')]).toEqual([ids.slice(0, 2), ids.slice(2)]);
  expect((await list(`?kind=person&after=${ada}`)).body.data).toMatchObject([{ id: bo }]);
  for (const wrong of ['?kind=robot', '?after=x', '?limit=0'])
    expect(await list(wrong)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect((await api.get('/v1/projects/none/members')).body.code).toBe('unknown_project');
});

test('who administers the project may see them, and nobody of less or of elsewhere', async () => {
  const tokenOf = async (body: object) => (await key('asker', body)).token;
  const scopes = ['admin'];
  expect((await list('', await tokenOf({ project: 'news', scopes }))).status).toBe(200);
  for (const [body, code] of [
    [{ project: 'news' }, 'missing_scope'],
    [{}, 'missing_scope'],
    [{ project: 'sports', scopes }, 'model_out_of_reach'],
    [{ project: 'news', models: ['news'], scopes }, 'model_out_of_reach'],
  ] as const)
    expect(await list('', await tokenOf(body))).toMatchObject({ status: 403, body: { code } });
});

const setRole = (id: string, role: Role | null, project = 'news') =>
  api.call('PUT', `/v1/projects/${project}/members/${id}`, { body: { role } });
const remove = (id: string, project = 'news') => api.call('DELETE', `/v1/projects/${project}/members/${id}`);
const actsOn = async (id: string, act: string) =>
  (await api.get(`/v1/audit?subject=${id}&act=${act}`)).body.data.map(({ details }: { details: object }) => details);

/** What the browser of a person may do with a model: nothing, read, or edit. */
async function mayDo(id: string, model: string): Promise<'nothing' | 'read' | 'edit'> {
  const { token } = await openSession(api.lineage, id);
  const headers = { cookie: `errata_session_80=${token}`, [csrfHeader]: csrfTokenOf(token) };
  if ((await api.get(`/v1/models/${model}`, { token: null, headers })).status !== 200) return 'nothing';
  // The name is taken, which whoever may not make branches does not hear of.
  const { status } = await api.post(`/v1/models/${model}/branches`, { name: 'main' }, { token: null, headers });
  return status === 409 ? 'edit' : 'read';
}

test('a role that the project gives holds instead of the one that the provider says, until it is given back', async () => {
  const eve = await person('Eve', 'reader@news', 'editor@sports');
  expect(await mayDo(eve, 'news')).toBe('read');
  const given = { id: eve, role: 'editor', provider_role: 'reader', given_by: 'project' };
  expect(await setRole(eve, 'editor')).toMatchObject({ status: 200, body: given });
  expect(await mayDo(eve, 'news')).toBe('edit');
  // What the provider says later changes nothing, here.
  await person('Eve', 'admin@news', 'reader@sports');
  expect((await list('?kind=person')).body.data).toContainEqual(
    expect.objectContaining({
      ...given,
      provider_role: 'admin',
      scopes: ['models:read', 'edits:write', 'evals:write'],
    }),
  );
  expect([await mayDo(eve, 'news'), await mayDo(eve, 'sports')]).toEqual(['edit', 'read']);
  await setRole(eve, 'editor');
  expect((await setRole(eve, null)).body).toMatchObject({ role: 'admin', given_by: 'provider' });
  const { id } = (await api.get('/v1/projects/news')).body;
  expect(await actsOn(eve, 'member.changed')).toEqual([
    { project_id: id, role: 'editor', given_by: 'project', role_before: 'reader' },
    { project_id: id, role: 'admin', given_by: 'provider', role_before: 'editor' },
  ]);
});

test('who is removed reaches the project no more, is shown as that, and can be let in again', async () => {
  const fay = await person('Fay', 'admin@news', 'reader@sports');
  expect((await remove(fay)).status).toBe(204);
  expect([await mayDo(fay, 'news'), await mayDo(fay, 'sports')]).toEqual(['nothing', 'read']);
  expect((await list('?kind=person')).body.data).toContainEqual(
    expect.objectContaining({ id: fay, role: null, scopes: [], provider_role: 'admin', given_by: 'project' }),
  );
  expect((await remove(fay)).body.code).toBe('not_found');
  const { id } = (await api.get('/v1/projects/news')).body;
  expect(await actsOn(fay, 'member.removed')).toEqual([{ project_id: id, role_before: 'admin' }]);
  await setRole(fay, 'reader');
  expect(await mayDo(fay, 'news')).toBe('read');
});

test('a person may be given a role where the provider says none; keys, strangers and who has one everywhere may not', async () => {
  const guy = await person('Guy', 'reader@sports');
  expect(await mayDo(guy, 'news')).toBe('nothing');
  expect((await setRole(guy, 'editor')).body).toMatchObject({ role: 'editor', provider_role: null });
  expect(await mayDo(guy, 'news')).toBe('edit');
  expect((await setRole(guy, null)).body).toMatchObject({ role: null, given_by: 'provider' });
  expect(JSON.stringify((await list('?limit=100')).body.data)).not.toContain(guy);

  const everywhere = await person('Hal', 'admin');
  expect((await setRole(everywhere, 'reader')).body).toMatchObject({
    code: 'invalid_request',
    detail: expect.stringContaining('"Hal" has a role in the whole service'),
  });
  expect((await remove(everywhere)).body.code).toBe('invalid_request');
  const { id } = await key('a key', { project: 'news' });
  const out = await person('Ida', 'reader@news');
  await revokeKey(api.lineage, out);
  for (const nobody of [id, out, 'person_00000000000000000000000000', 'x']) {
    expect((await setRole(nobody, 'admin')).body.code).toBe('not_found');
    expect((await remove(nobody)).body.code).toBe('not_found');
  }
  expect((await api.call('PUT', `/v1/projects/news/members/${guy}`, { body: { role: 'king' } })).status).toBe(400);
  expect((await setRole(guy, 'admin', 'none')).body.code).toBe('unknown_project');
});
