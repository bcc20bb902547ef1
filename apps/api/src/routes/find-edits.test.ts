// Searching edits: by what they say, about whom, when and where; a text is no pattern, trials are left out.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let middle: string;
let ada: string;
beforeAll(async () => {
  api = await openApi();
  await api.importModel('atlas');
  await api.importModel('other');
  const submit = (model: string, edits: object[], more: object = {}) =>
    api.post('/v1/edit_jobs', { model, edits, ...more });
  await submit('atlas', [
    anEdit('France', { target_new: 'Rome' }),
    anEdit('Spain', { target_new: '100% Turin' }),
    anEdit('1000 Islands', { target_new: 'a_b' }),
  ]);
  middle = new Date().toISOString();
  await api.post('/v1/models/atlas/branches', { name: 'trial' });
  await submit('atlas', [anEdit('france', { target_new: 'Oslo' })], { branch: 'trial' });
  const { id, token } = (await api.post('/v1/keys', { name: 'Ada', scopes: ['edits:write', 'models:read'] })).body;
  ada = id;
  const other = { model: 'other', edits: [anEdit('France', { target_new: 'Bern' })] };
  expect((await api.post('/v1/edit_jobs', other, { token })).status).toBe(202);
  expect((await api.call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
  await submit('atlas', [anEdit('Peru', { target_new: 'never' })], { dry_run: true, level: 'compute' });
});
afterAll(() => api.close());

const found = async (query: Record<string, string>) => {
  const { status, body } = await api.get(`/v1/edits?${new URLSearchParams(query)}`);
  expect(status).toBe(200);
  return body.data.map(({ target_new }: { target_new: string }) => target_new);
};

test.each([
  [{}, ['Bern', 'Oslo', 'a_b', '100% Turin', 'Rome']],
  [{ model: 'atlas' }, ['Oslo', 'a_b', '100% Turin', 'Rome']],
  [{ model: 'atlas', branch: 'main' }, ['a_b', '100% Turin', 'Rome']],
  [{ text: 'rOmE' }, ['Rome']],
  [{ text: 'capital of Fr' }, ['Bern', 'Oslo', 'Rome']],
  [{ text: '%' }, ['100% Turin']],
  [{ text: '_' }, ['a_b']],
  [{ text: '\\' }, []],
  [{ subject: 'FRANCE', model: 'atlas' }, ['Oslo', 'Rome']],
  [{ subject: 'Fran' }, []],
  [{ created_by: 'key_nobody' }, []],
  [{ created_by: 'aDA' }, ['Bern']],
  [{ created_by: 'test', text: 'capital of Fr' }, ['Oslo', 'Rome']],
  [{ created_by: 'Ad' }, []],
])('%j finds %j', async (query, targets) => {
  expect(await found(query)).toEqual(targets);
});

test('by whom, also when the key has ended', async () => {
  expect(await found({ created_by: ada })).toEqual(['Bern']);
  expect((await api.get('/v1/edits?limit=1')).body.data).toMatchObject([{ created_by: ada, author: 'Ada' }]);
});

test('by the time that the job was submitted', async () => {
  expect(await found({ since: middle })).toEqual(['Bern', 'Oslo']);
  expect(await found({ before: middle })).toEqual(['a_b', '100% Turin', 'Rome']);
  expect(await found({ since: middle, before: middle })).toEqual([]);
});

test('page by page, with what is known of each', async () => {
  const first = (await api.get('/v1/edits?limit=2')).body;
  expect(first).toMatchObject({
    has_more: true,
    data: [
      { object: 'edit', target_new: 'Bern', branch: 'main', state: 'queued', created_at: expect.any(String) },
      { target_new: 'Oslo', branch: 'trial', subject: 'france' },
    ],
  });
  expect(await found({ after: first.next_cursor })).toEqual(['a_b', '100% Turin', 'Rome']);
});

describe('refused', () => {
  test.each([
    [{ branch: 'main' }, 'branch'],
    [{ since: 'yesterday' }, 'since'],
    [{ after: 'job_1' }, 'after'],
    [{ prompt: 'x' }, 'prompt'],
  ])('%j names %s', async (query: Record<string, string>, field) => {
    const { status, body } = await api.get(`/v1/edits?${new URLSearchParams(query)}`);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(JSON.stringify(body)).toContain(field);
  });
});
