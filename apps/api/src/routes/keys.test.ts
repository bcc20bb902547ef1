// Keys over the API: told once, stored as hashes, worthless once revoked; and only for whoever may do everything.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

test('a key is made, used, listed and revoked, and is told only once', async () => {
  const headers = { 'idempotency-key': 'once' };
  const made = await api.post('/v1/keys', { name: ' reader ', scopes: ['models:read'] }, { headers });
  expect(made).toMatchObject({ status: 201, body: { object: 'key', name: 'reader', scopes: ['models:read'] } });
  const { id, token, ...shown } = made.body;
  expect((await api.get('/v1/models', { token })).status).toBe(200);
  expect((await api.get('/v1/keys', { token })).body).toMatchObject({
    code: 'missing_scope',
    details: { scope: 'admin' },
  });
  const listed = (await api.get('/v1/keys?limit=1')).body;
  expect(listed).toMatchObject({ data: [{ name: 'test' }], has_more: true });
  expect((await api.get(`/v1/keys?after=${listed.next_cursor}`)).body.data).toEqual([
    { id, ...shown, last_used_at: expect.any(String) },
  ]);

  const stored = JSON.stringify([
    await api.query('SELECT * FROM api_keys'),
    await api.query('SELECT * FROM idempotency_keys'),
  ]);
  expect(stored).toContain('reader');
  expect(stored).not.toContain(token);

  expect((await api.call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
  expect((await api.get('/v1/models', { token })).status).toBe(401);
  expect((await api.call('DELETE', `/v1/keys/${id}`)).body.code).toBe('not_found');
  expect((await api.get('/v1/keys')).body.data).toHaveLength(1);
});

test('a key is replaced by another that may do the same, and both work until the grace period has gone by', async () => {
  const { id, token } = (await api.post('/v1/keys', { name: 'nightly', scopes: ['edits:write', 'models:read'] })).body;
  const weak = { token: await api.keyWith('edits:write') };
  expect((await api.post(`/v1/keys/${id}/rotate`, {}, weak)).status).toBe(403);
  const headers = { 'idempotency-key': 'twice' };
  const next = await api.post(`/v1/keys/${id}/rotate`, {}, { headers });
  expect(next).toMatchObject({ status: 201, body: { name: 'nightly', scopes: ['edits:write', 'models:read'] } });
  expect(next.body.id).not.toBe(id);
  for (const each of [token, next.body.token]) expect((await api.get('/v1/models', { token: each })).status).toBe(200);
  const old = (await api.get('/v1/keys?limit=100')).body.data.find((key: { id: string }) => key.id === id);
  expect(Date.parse(old.expires_at) - Date.now()).toBeGreaterThan(23 * 3_600_000);
  expect(JSON.stringify(await api.query('SELECT * FROM idempotency_keys'))).not.toContain(next.body.token);

  const last = await api.post(`/v1/keys/${next.body.id}/rotate`, { grace_hours: 0 });
  expect((await api.get('/v1/models', { token: next.body.token })).status).toBe(401);
  expect((await api.get('/v1/models', { token: last.body.token })).status).toBe(200);
  expect((await api.post(`/v1/keys/${next.body.id}/rotate`, {})).body.code).toBe('not_found');
  expect((await api.post(`/v1/keys/${id}/rotate`, { grace_hours: -1 })).body.errors[0].field).toBe('grace_hours');
});

test.each([
  [{ name: 'x', scopes: [] }, 'scopes'],
  [{ name: 'x', scopes: ['admin', 'admin'] }, 'scopes'],
  [{ name: 'x', scopes: ['everything'] }, 'scopes.0'],
  [{ name: '  ', scopes: ['admin'] }, 'name'],
  [{ name: 'x', scopes: ['admin'], expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
])('%j is refused', async (body, field) => {
  const answer = await api.post('/v1/keys', body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors[0].field).toBe(field);
});
