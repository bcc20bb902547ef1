// The inbox over HTTP: every form of body, every refusal with its place, and deliveries that come twice.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let main: string;
beforeAll(async () => {
  api = await openApi({ bodyLimit: 200_000 });
  main = (await api.importModel('atlas')).branch;
});
afterAll(() => api.close());

const inboxOf = (branch: string, query = '') => `/v1/branches/${branch}/inbox${query}`;
const lines = (...edits: readonly object[]) => edits.map((edit) => JSON.stringify(edit)).join('\n');
const ndjson = { 'content-type': 'application/x-ndjson' };
const another = async (name: string): Promise<string> =>
  (await api.post('/v1/models/atlas/branches', { name })).body.id as string;
const waiting = async (branch: string): Promise<string[]> =>
  (await api.get(inboxOf(branch, '?state=pending,held&limit=100'))).body.data
    .map(({ custom_id }: { custom_id: string }) => custom_id)
    .reverse();

test('one edit, an array of edits and lines are taken alike; nothing but the edit needs to be sent', async () => {
  const branch = await another('forms');
  const { custom_id: _, ...bare } = anEdit('France');
  const one = await api.post(inboxOf(branch), bare);
  expect({ status: one.status, body: one.body }).toMatchObject({
    status: 202,
    body: { object: 'inbox_receipt', branch_id: branch, accepted: 1, duplicates: 0, pending: 1 },
  });
  const several = await api.post(inboxOf(branch, '?priority=5'), [anEdit('Spain'), anEdit('Italy')]);
  expect(several).toMatchObject({ status: 202, body: { accepted: 2, pending: 3 } });
  const many = await api.call('POST', inboxOf(branch), {
    headers: ndjson,
    body: lines(anEdit('Peru'), anEdit('Cuba')),
  });
  expect(many).toMatchObject({ status: 202, body: { accepted: 2, pending: 5 } });
  const { data } = (await api.get(inboxOf(branch))).body;
  expect(data.map(({ subject, priority, state }: Record<string, unknown>) => [subject, priority, state])).toEqual([
    ['Cuba', 0, 'pending'],
    ['Peru', 0, 'pending'],
    ['Italy', 5, 'pending'],
    ['Spain', 5, 'pending'],
    ['France', 0, 'pending'],
  ]);
  expect((await api.get(`${inboxOf(branch)}/${data[0].id}`)).body).toEqual(data[0]);
});

test('bad edits are named by pointer or line, and nothing of the delivery is kept', async () => {
  const branch = await another('refusals');
  const stray = anEdit('France', { subject: 'Spain' });
  const refused = async (body: unknown, headers = {}) =>
    (await api.call('POST', inboxOf(branch), { body, headers })).body;
  expect(await refused(stray)).toMatchObject({
    code: 'invalid_edits',
    errors: [{ code: 'subject_not_in_prompt', pointer: '/subject' }],
  });
  expect(await refused([anEdit('Italy'), stray])).toMatchObject({ errors: [{ pointer: '/1/subject' }] });
  expect(await refused(lines(anEdit('Italy'), {}, stray), ndjson)).toMatchObject({
    code: 'invalid_edits',
    errors: expect.arrayContaining([expect.objectContaining({ line: 2 }), expect.objectContaining({ line: 3 })]),
  });
  expect(await refused('{"broken', ndjson)).toMatchObject({ code: 'malformed_jsonl', errors: [{ line: 1 }] });
  expect(await refused([anEdit('Italy'), anEdit('Italy', { target_new: ' Turin' })])).toMatchObject({
    errors: [{ code: 'duplicate_custom_id' }, { code: 'contradictory_edits' }],
  });
  for (const body of [[], 7, null]) expect((await refused(body)).code).toBe('invalid_request');
  expect(await refused('\n\n', ndjson)).toMatchObject({ code: 'invalid_request' });
  expect((await api.post(inboxOf(branch, '?priority=much'), anEdit('Italy'))).body).toMatchObject({
    code: 'invalid_request',
    errors: [{ field: 'priority' }],
  });
  expect((await api.post(inboxOf('branch_none'), anEdit('Italy'))).body).toMatchObject({ code: 'unknown_branch' });
  expect((await api.get(inboxOf('branch_none'))).body).toMatchObject({ code: 'unknown_branch' });
  expect(await waiting(branch)).toEqual([]);
});

test('a delivery that comes twice is taken once: under one idempotency key, or word for word', async () => {
  const branch = await another('twice');
  const key = { headers: { 'idempotency-key': 'delivery-1' } };
  const { custom_id: _, ...bare } = anEdit('France');
  const first = await api.post(inboxOf(branch), bare, key);
  const again = await api.post(inboxOf(branch), bare, key);
  expect(again).toMatchObject({ status: 202, body: first.body });
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect((await api.post(inboxOf(branch), anEdit('Spain'), key)).body.code).toBe('idempotency_key_reused');

  await api.post(inboxOf(branch), anEdit('Italy'));
  const repeated = await api.post(inboxOf(branch), anEdit('Italy'));
  expect(repeated.body).toMatchObject({ accepted: 0, duplicates: 1, pending: 2, edits: [{ duplicate: true }] });
  expect((await api.post(inboxOf(branch), anEdit('Italy', { target_new: ' Turin' }))).body).toMatchObject({
    code: 'duplicate_custom_id',
    status: 422,
  });
  expect(await waiting(branch)).toHaveLength(2);
});

test('the answer is kept with the edits: a process that dies before it answers has not lost count', async () => {
  const branch = await another('died');
  const key = { headers: { 'idempotency-key': 'delivery-2' } };
  const { custom_id: _, ...bare } = anEdit('France');
  process.env.ERRATA_FAILPOINT = 'inbox.after:error';
  try {
    expect((await api.post(inboxOf(branch), bare, key)).status).toBe(500);
  } finally {
    delete process.env.ERRATA_FAILPOINT;
  }
  const again = await api.post(inboxOf(branch), bare, key);
  expect(again).toMatchObject({ status: 202, body: { accepted: 1, pending: 1 } });
  expect(await waiting(branch)).toHaveLength(1);
});

test('what waits can be withdrawn; a contradiction can be decided', async () => {
  const { edits } = (await api.post(inboxOf(main), [anEdit('France'), anEdit('Spain')])).body;
  const rival = (
    await api.post(inboxOf(main), anEdit('rival', { ...anEdit('France'), custom_id: 'rival', target_new: ' Nice' }))
  ).body.edits[0];
  const withdrawn = await api.call('DELETE', `${inboxOf(main)}/${edits[1].id}`);
  expect(withdrawn).toMatchObject({ status: 200, body: { state: 'withdrawn', custom_id: 'Spain' } });
  const kept = await api.post(`${inboxOf(main)}/${edits[0].id}/keep`, undefined);
  expect(kept).toMatchObject({ status: 200, body: { state: 'pending' } });
  expect((await api.get(`${inboxOf(main)}/${rival.id}`)).body).toMatchObject({
    state: 'superseded',
    superseded_by: edits[0].id,
  });
  expect((await api.call('DELETE', `${inboxOf(main)}/${rival.id}`)).body).toMatchObject({
    code: 'not_pending',
    status: 409,
  });
  expect((await api.call('DELETE', `${inboxOf(main)}/inbox_none`)).body.code).toBe('unknown_inbox_edit');
});
