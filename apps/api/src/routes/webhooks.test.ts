// Webhooks over HTTP: made, changed and deleted, what is refused, and what is told of a delivery.
import { claimDeliveries, forgetReplacedSecrets } from '@errata/lineage';
import { createErrata } from '@errata/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let webhooks: ReturnType<typeof createErrata>['webhooks'];
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
  const baseUrl = await api.app.listen({ port: 0, host: '127.0.0.1' });
  ({ webhooks } = createErrata({ baseUrl, apiKey: api.key }));
});
afterAll(() => api.close());

const url = 'http://127.0.0.1:9/hook';

test('a webhook by the SDK, from its secret to its end', async () => {
  const { secret, ...made } = await webhooks.create({ url, model: 'atlas', events: ['job.ended'] });
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(made).toMatchObject({ object: 'webhook', url, model_id: model.id, enabled: true, events: ['job.ended'] });
  expect(await webhooks.get(made.id)).toEqual(made);
  expect(await webhooks.list().all()).toEqual([made]);
  const changed = await webhooks.change(made.id, { enabled: false, description: 'ours' });
  expect(changed).toEqual({ ...made, enabled: false, description: 'ours' });

  const sent = await webhooks.test(made.id);
  expect(sent).toMatchObject({ state: 'pending', attempts: 0, log: [], message: { type: 'webhook.test' } });
  expect(await webhooks.delivery(made.id, sent.id)).toEqual(sent);
  expect(await webhooks.deliveries(made.id, { state: ['pending', 'failed'] }).all()).toEqual([sent]);
  expect(await webhooks.deliveries(made.id, { state: ['delivered'] }).all()).toEqual([]);
  expect(await webhooks.replay(made.id, sent.id)).toMatchObject({ id: sent.id, state: 'pending' });
  await webhooks.delete(made.id);
  await expect(webhooks.get(made.id)).rejects.toMatchObject({ code: 'unknown_webhook' });
  await expect(webhooks.deliveries(made.id).all()).rejects.toMatchObject({ code: 'unknown_webhook' });
});

test('a webhook gets another secret, and both sign until the old one ends', async () => {
  const { id, secret: first, previous_secret_ends_at } = await webhooks.create({ url });
  expect(previous_secret_ends_at).toBeNull();
  const signing = async () => {
    await webhooks.test(id);
    const [claimed] = await claimDeliveries(api.lineage, { most: 1, mostEach: 1, busy: [], leaseMs: 600_000 });
    return claimed?.secrets;
  };
  expect(await signing()).toEqual([first]);
  const { secret: second, ...rotated } = await webhooks.rotate(id);
  const hours = (Date.parse(rotated.previous_secret_ends_at!) - Date.now()) / 3_600_000;
  expect([hours > 23.9, hours <= 24.01]).toEqual([true, true]);
  expect(await webhooks.get(id)).toEqual(rotated);
  expect(await signing()).toEqual([second, first]);
  const third = await webhooks.rotate(id, { overlap_hours: 1 });
  expect(await signing()).toEqual([third.secret, second]);
  const last = await webhooks.rotate(id, { overlap_hours: 0 });
  expect(last.previous_secret_ends_at).toBeNull();
  expect(await signing()).toEqual([last.secret]);
  await api.query(`UPDATE webhooks SET previous_secret = 'whsec_old', previous_secret_ends_at = now() WHERE id = $1`, [
    id,
  ]);
  expect(await signing()).toEqual([last.secret]);
  expect(await forgetReplacedSecrets(api.lineage)).toBe(1);
  expect(await api.query('SELECT id FROM webhooks WHERE previous_secret IS NOT NULL')).toEqual([]);
  await webhooks.delete(id);
  await expect(webhooks.rotate(id)).rejects.toMatchObject({ code: 'unknown_webhook' });
});

test.each([
  ['no address', { url: 'somewhere' }, '/url'],
  ['another scheme', { url: 'ftp://a.example/' }, '/url'],
  ['a password in it', { url: 'https://me:secret@a.example/' }, '/url'],
  ['an event that there is not', { url, events: ['job.started'] }, '/events/0'],
  ['no event', { url, events: [] }, '/events'],
  ['an event twice', { url, events: ['job.ended', 'job.ended'] }, '/events'],
])('refused: %s', async (_, body, pointer) => {
  const { status, body: problem } = await api.post('/v1/webhooks', body);
  expect({ status, problem }).toMatchObject({ status: 400, problem: { errors: [{ pointer }] } });
});

test('an address that may not be sent to is refused, when it is made and when it is changed', async () => {
  for (const bad of ['http://127.0.0.2/', 'https://10.0.0.1/', 'http://93.184.215.14/']) {
    const refused = await api.post('/v1/webhooks', { url: bad });
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ field: 'url' }] } });
  }
  const { body } = await api.post('/v1/webhooks', { url });
  const changed = await api.call('PATCH', `/v1/webhooks/${body.id}`, { body: { url: 'https://192.168.0.1/' } });
  expect(changed.status).toBe(400);
  expect((await api.get(`/v1/webhooks/${body.id}`)).body.url).toBe(url);
  expect((await api.post('/v1/webhooks', { url, model: 'nobody' })).body.code).toBe('unknown_model');
});

test('webhooks are for those who may do everything', async () => {
  const token = await api.keyWith('models:read', 'edits:write', 'aliases:write');
  for (const [method, path] of [
    ['GET', '/v1/webhooks'],
    ['GET', '/v1/webhooks/webhook_x'],
    ['DELETE', '/v1/webhooks/webhook_x'],
    ['GET', '/v1/webhooks/webhook_x/deliveries'],
  ] as const)
    expect((await api.call(method, path, { token })).body.code).toBe('missing_scope');
  expect((await api.post('/v1/webhooks', { url }, { token })).body.code).toBe('missing_scope');
});
