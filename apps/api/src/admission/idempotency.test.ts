// The same request sent twice is carried out once: replayed, refused for another body, told to wait, or taken up again.

import { editSchema, sha256 } from '@errata/contracts';
import {
  beginIdempotent,
  completeIdempotent,
  type IdempotencyClaim,
  keptAnswerBytes,
  keyLifetimeMs,
  submitEditJob,
  sweepIdempotencyKeys,
} from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
  await api.importModel('atlas');
});
afterAll(() => api.close());

const request = (name: string) => ({ model: 'atlas', edits: [anEdit(name)] });
const withKey = (key: string) => ({ headers: { 'idempotency-key': key } });

test('the second answer is the first, and the work is done once', async () => {
  const first = await api.post('/v1/edit_jobs', request('France'), withKey('a'));
  const before = await api.counts();
  const second = await api.post('/v1/edit_jobs', request('France'), withKey('a'));
  expect([second.status, second.body, second.headers.location]).toEqual([202, first.body, first.headers.location]);
  expect([first.headers['idempotency-replayed'], second.headers['idempotency-replayed']]).toEqual([undefined, 'true']);
  expect(await api.counts()).toEqual(before);
});

test('it replays even when the request could no longer be carried out', async () => {
  const first = await api.post('/v1/models/atlas/branches', { name: 'once' }, withKey('b'));
  const second = await api.post('/v1/models/atlas/branches', { name: 'once' }, withKey('b'));
  expect([first.status, second.status, second.body]).toEqual([201, 201, first.body]);
  expect((await api.post('/v1/models/atlas/branches', { name: 'once' }, withKey('c'))).body.code).toBe('name_taken');
});

test('another body or another route under the same key is refused; another caller has keys of its own', async () => {
  await api.post('/v1/edit_jobs', request('France'), withKey('d'));
  const before = await api.counts();
  const reused = await Promise.all([
    api.post('/v1/edit_jobs', request('Spain'), withKey('d')),
    api.post('/v1/models/atlas/branches', { name: 'other' }, withKey('d')),
  ]);
  expect(reused.map(({ status, body }) => [status, body.code])).toEqual(Array(2).fill([422, 'idempotency_key_reused']));
  expect(await api.counts()).toEqual(before);
  const token = await api.keyWith('edits:write');
  expect((await api.post('/v1/edit_jobs', request('Spain'), { ...withKey('d'), token })).status).toBe(202);
});

test('of twenty sent at once one is carried out', async () => {
  const before = await api.counts();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.post('/v1/edit_jobs', request('Chad'), withKey('e'))),
  );
  const done = answers.filter(({ status }) => status === 202);
  const waiting = answers.filter(({ status }) => status !== 202);
  expect(new Set(done.map(({ body }) => body.id)).size).toBe(1);
  for (const { status, body, headers } of waiting) {
    expect([status, body.code, body.retryable, headers['retry-after']]).toEqual([
      409,
      'idempotency_in_flight',
      true,
      '1',
    ]);
  }
  expect(Number((await api.counts()).jobs) - Number(before.jobs)).toBe(1);
});

test('a failed request frees its key', async () => {
  const key = withKey('f');
  expect((await api.post('/v1/edit_jobs', { ...request('Fiji'), branch: 'later' }, key)).status).toBe(404);
  await api.post('/v1/models/atlas/branches', { name: 'later' });
  expect((await api.post('/v1/edit_jobs', { ...request('Fiji'), branch: 'later' }, key)).status).toBe(202);
});

test('when a process died between queueing and answering, the next one answers with its job', async () => {
  const [caller] = (await api.query('SELECT id FROM api_keys ORDER BY id LIMIT 1')) as { id: string }[];
  const body = request('Mali');
  const outcome = await beginIdempotent(api.lineage, {
    owner: caller!.id,
    key: 'g',
    route: 'POST /v1/edit_jobs',
    bodyDigest: sha256(JSON.stringify(body)),
  });
  if (outcome.kind !== 'begin') throw new Error(outcome.kind);
  const job = await submitEditJob(api.lineage, {
    model: 'atlas',
    branch: 'main',
    edits: [editSchema.parse(anEdit('Mali'))],
    config: {},
    seed: 0,
    on_error: 'abort',
    on_conflict: 'fail',
    created_by: caller!.id,
    idempotency: outcome.claim,
  });
  expect((await api.post('/v1/edit_jobs', request('Mali'), withKey('g'))).body.code).toBe('idempotency_in_flight');
  await api.query(`UPDATE idempotency_keys SET claimed_at = claimed_at - interval '1 hour' WHERE key = 'g'`);
  const before = await api.counts();
  const answer = await api.post('/v1/edit_jobs', request('Mali'), withKey('g'));
  expect([answer.status, answer.body.id, answer.headers.location]).toEqual([202, job.id, `/v1/jobs/${job.id}`]);
  const again = await api.post('/v1/edit_jobs', request('Mali'), withKey('g'));
  expect([again.status, again.body]).toEqual([202, answer.body]);
  expect(await api.counts()).toEqual(before);
});

test('a key that is too long is refused', async () => {
  const { status, body } = await api.post('/v1/edit_jobs', request('France'), withKey('k'.repeat(256)));
  expect([status, body.code, body.errors[0].field]).toEqual([400, 'invalid_request', 'idempotency-key']);
});

test('a key that has expired is as good as new, and is swept away', async () => {
  const ask = () => api.post('/v1/edit_jobs', request('Oman'), withKey('old'));
  const first = await ask();
  const age = () =>
    api.query(
      `UPDATE idempotency_keys SET claimed_at = now() - ${keyLifetimeMs + 1000} * interval '1 ms' WHERE key = 'old'`,
    );
  const kept = async () => (await api.query(`SELECT key FROM idempotency_keys WHERE key = 'old'`)).length;
  await age();
  const second = await ask();
  expect([second.status, second.headers['idempotency-replayed']]).toEqual([202, undefined]);
  expect(second.body.id).not.toBe(first.body.id);
  expect((await ask()).body.id).toBe(second.body.id);
  await age();
  expect([await sweepIdempotencyKeys(api.lineage), await kept()]).toEqual([1, 0]);
  expect(await sweepIdempotencyKeys(api.lineage)).toBe(0);
});

test('an answer that is too large to keep is not: the job is told again, and what left no job is not done again', async () => {
  const queued = await api.post('/v1/edit_jobs', request('Laos'), withKey('large job'));
  const made = await api.post('/v1/models/atlas/branches', { name: 'large' }, withKey('large'));
  expect([queued.status, made.status]).toEqual([202, 201]);
  const large = { headers: {}, body: 'x'.repeat(keptAnswerBytes) };
  for (const [name, status] of [
    ['large job', 202],
    ['large', 201],
  ] as const) {
    await api.query(`UPDATE idempotency_keys SET completed_at = NULL, response = NULL WHERE key = $1`, [name]);
    const [row] = (await api.query(`SELECT owner, key, claim FROM idempotency_keys WHERE key = $1`, [
      name,
    ])) as unknown as [IdempotencyClaim];
    expect(await completeIdempotent(api.lineage, row, status, large)).toBe(true);
  }
  const [{ bytes }] = (await api.query(`SELECT max(length(response::text)) AS bytes FROM idempotency_keys`)) as [
    { bytes: number },
  ];
  expect(bytes).toBeLessThan(keptAnswerBytes);
  const before = await api.counts();
  const again = await api.post('/v1/edit_jobs', request('Laos'), withKey('large job'));
  expect([again.status, again.body.id]).toEqual([202, queued.body.id]);
  const gone = await api.post('/v1/models/atlas/branches', { name: 'large' }, withKey('large'));
  expect([gone.status, gone.body.code, gone.body.details]).toEqual([409, 'idempotency_answer_gone', { status: 201 }]);
  expect(await api.counts()).toEqual(before);
});
