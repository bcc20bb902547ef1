// Tags, aliases and references over HTTP, and what an alias serves.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
let version: string;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
  await api.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit('France')] });
  version = await api.carryOut(model.lane);
});
afterAll(() => api.close());

const at = (path: string) => `/v1/models/atlas${path}`;
const put = (path: string, body: unknown, token?: string) =>
  api.call('PUT', at(path), { body, ...(token === undefined ? {} : { token }) });

test('a tag is made, found, listed and deleted', async () => {
  const made = await api.post(at('/tags'), { name: 'v1', version: 'main', message: 'first release' });
  expect(made).toMatchObject({ status: 201, headers: { location: at('/tags/v1') } });
  expect(made.body).toMatchObject({ object: 'tag', name: 'v1', version_id: version, message: 'first release' });
  expect((await api.get(at('/tags/v1'))).body).toEqual(made.body);
  expect((await api.get(at('/tags'))).body.data).toEqual([made.body]);
  expect((await api.post(at('/tags'), { name: 'v1', version: 'main' })).body.code).toBe('name_taken');
  for (const name of ['ver_1', 'Main', '../x'])
    expect((await api.post(at('/tags'), { name, version: 'main' })).body).toMatchObject({ code: 'invalid_request' });
  expect((await api.call('DELETE', at('/tags/v1'))).status).toBe(204);
  expect((await api.get(at('/tags/v1'))).body.code).toBe('unknown_tag');
});

test('an alias is put, moved by who has seen where it is, and tells its history', async () => {
  const key = await api.keyWith('aliases:write', 'models:read');
  const first = await put('/aliases/production', { version: model.root, reason: 'launch' }, key);
  expect(first.body).toMatchObject({ object: 'alias', version_id: model.root, sequence: 1 });
  const stale = await put('/aliases/production', { version, if_version_id: version });
  expect(stale).toMatchObject({ status: 409, body: { code: 'stale_alias' } });
  const moved = await put('/aliases/production', { version: 'main', if_version_id: model.root });
  expect(moved.body).toMatchObject({ version_id: version, sequence: 2 });
  expect((await api.get(at('/aliases'))).body.data).toEqual([moved.body]);
  const history = (await api.get(at('/aliases/production/history'))).body.data;
  expect(history).toMatchObject([
    { sequence: 2, kind: 'moved', from_version: model.root, to_version: version, target: 'main' },
    { sequence: 1, kind: 'created', to_version: model.root, reason: 'launch' },
  ]);
  const resolved = await api.get(at('/references/production'));
  expect(resolved.body).toEqual({ object: 'reference', kind: 'alias', name: 'production', version_id: version });
  const reader = await api.keyWith('models:read');
  expect((await put('/aliases/production', { version: model.root }, reader)).status).toBe(403);
  expect((await put('/aliases/ver_x', { version })).body.code).toBe('invalid_request');
  expect((await api.call('DELETE', at('/aliases/production'))).status).toBe(204);
  expect((await api.get(at('/aliases/production'))).body.code).toBe('unknown_alias');
});

test('a deleted branch is listed as such and comes back', async () => {
  const { body } = await api.post(at('/branches'), { name: 'side', from: 'main' });
  await api.call('DELETE', at('/branches/side'));
  expect((await api.get(at('/branches?deleted=true'))).body.data).toMatchObject([{ id: body.id, name: 'side' }]);
  expect((await api.post(at('/branches/side/restore'), {})).body).toEqual(body);
  expect((await api.get(at('/branches/side'))).body).toEqual(body);
});

test('nothing is named like an id, whatever it is; of what is no name a near one is suggested', async () => {
  const ways: readonly (readonly [
    string,
    (name: string) => Promise<{ readonly status: number; readonly text: string }>,
  ])[] = [
    ['model', (name) => api.post('/v1/models', { name, path: 'models/x' })],
    ['branch', (name) => api.post(at('/branches'), { name })],
    ['tag', (name) => api.post(at('/tags'), { name, version: 'main' })],
    ['alias', (name) => put(`/aliases/${encodeURIComponent(name)}`, { version: 'main' })],
    ['schedule', (name) => api.post('/v1/schedules', { name, model: 'atlas', when_pending: 1 })],
    ['suite', (name) => api.post('/v1/suites', { name, probes: [{ prompt: 'x' }] })],
  ];
  for (const [what, named] of ways) {
    for (const name of [model.id, model.branch, version, 'ver_small', 'job_1']) {
      const { status, text } = await named(name);
      expect([what, name, status, text.includes('looks like an id')]).toEqual([what, name, 400, true]);
    }
    const { status, text } = await named('meta-llama/Llama-2');
    expect([what, status, text.includes('try \\"meta-llama-llama-2\\"')]).toEqual([what, 400, true]);
  }
});
