// API keys and idempotency keys.
import { afterAll, expect, test } from 'vitest';
import {
  abandonIdempotent,
  beginIdempotent,
  completeIdempotent,
  createKey,
  createSignInLink,
  findKey,
  findSession,
  type IdempotencyClaim,
  listJobs,
  listKeys,
  openSession,
  revokeKey,
  rotateKey,
  submitEditJob,
  useSignInLink,
} from '../index.ts';
import { importModel, madeEdit, openFixture } from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);

test('a key is shown once, kept as a hash, found by its token, and gone when revoked', async () => {
  const { key, token } = await createKey(db, 'ci', ['models:read', 'edits:write']);
  expect(token).toMatch(/^errata_sk_[\w-]{43}$/);
  expect(await findKey(db, token)).toEqual({
    id: key.id,
    name: 'ci',
    scopes: ['models:read', 'edits:write'],
    reach: null,
  });
  expect(JSON.stringify(await fixture.query('SELECT * FROM api_keys'))).not.toContain(token.slice(10));
  expect(await findKey(db, `${token}x`)).toBeNull();
  expect(await findKey(db, 'something else')).toBeNull();
  expect((await listKeys(db)).map(({ id }) => id)).toEqual([key.id]);
  expect([await revokeKey(db, key.id), await revokeKey(db, key.id)]).toEqual([true, false]);
  expect(await findKey(db, token)).toBeNull();
});

test('a key ends when its time is over, and so do the sessions it opened', async () => {
  const soon = new Date(Date.now() + 3_600_000);
  const { key, token } = await createKey(db, 'short', ['models:read'], { expiresAt: soon });
  const session = await openSession(db, key.id);
  const link = await createSignInLink(db, key.id);
  expect(await findKey(db, token)).not.toBeNull();
  expect(await findSession(db, session.token)).not.toBeNull();
  await fixture.query(`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1`, [key.id]);
  expect(await findKey(db, token)).toBeNull();
  expect(await findSession(db, session.token)).toBeNull();
  expect(await useSignInLink(db, link.token)).toBeNull();
  expect((await listKeys(db)).map(({ id }) => id)).not.toContain(key.id);
});

test('the last use is noted, once a minute', async () => {
  const { key, token } = await createKey(db, 'used', ['models:read']);
  const used = async () => (await listKeys(db)).find(({ id }) => id === key.id)!.lastUsedAt;
  expect(await used()).toBeNull();
  await findKey(db, token);
  const first = await used();
  expect(first).not.toBeNull();
  await findKey(db, token);
  expect(await used()).toEqual(first);
  await fixture.query(`UPDATE api_keys SET last_used_at = now() - interval '2 minutes' WHERE id = $1`, [key.id]);
  await findKey(db, token);
  expect((await used())!.getTime()).toBeGreaterThanOrEqual(first!.getTime());
});

test('a rotated key has a successor of its kind and ends after the grace period', async () => {
  const month = 30 * 24 * 3_600_000;
  const old = await createKey(db, 'ci', ['edits:write'], { expiresAt: new Date(Date.now() + month) });
  const next = await rotateKey(db, old.key.id, 3_600_000);
  expect(next!.key).toMatchObject({ name: 'ci', scopes: ['edits:write'] });
  expect(Math.abs(next!.key.expiresAt!.getTime() - Date.now() - month)).toBeLessThan(3_600_000);
  expect(await findKey(db, old.token), 'within the grace period').not.toBeNull();
  const ends = (await listKeys(db)).find(({ id }) => id === old.key.id)!.expiresAt!;
  expect(ends.getTime()).toBeLessThanOrEqual(Date.now() + 3_600_000);
  const now = await rotateKey(db, next!.key.id, 0);
  expect(await findKey(db, next!.token)).toBeNull();
  expect(await findKey(db, now!.token)).not.toBeNull();
  expect(await rotateKey(db, next!.key.id, 0), 'its time is over').toBeNull();
  expect(await rotateKey(db, 'key_none', 0)).toBeNull();
});

const request = { owner: 'key_1', route: 'POST /v1/edit_jobs', bodyDigest: 'digest' };
const begin = async (key: string, staleMs?: number): Promise<IdempotencyClaim> => {
  const outcome = await beginIdempotent(db, { ...request, key }, staleMs);
  if (outcome.kind !== 'begin') throw new Error(outcome.kind);
  return outcome.claim;
};

test('of many equal requests at once one is carried out; later ones get its answer', async () => {
  const attempts = await Promise.allSettled(Array.from({ length: 10 }, () => begin('crowd')));
  const [first] = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  const refusals = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason.code] : []));
  expect(refusals).toEqual(Array(9).fill('idempotency_in_flight'));
  await completeIdempotent(db, first!, 202, { id: 'job_1' });
  const replay = await beginIdempotent(db, { ...request, key: 'crowd' });
  expect(replay).toEqual({ kind: 'replay', status: 202, response: { id: 'job_1' } });
  expect(await beginIdempotent(db, { ...request, owner: 'key_2', key: 'crowd' })).toMatchObject({ kind: 'begin' });
});

test('another body or route under the same key is refused, before and after the answer', async () => {
  const claim = await begin('reused');
  const other = { ...request, key: 'reused', bodyDigest: 'other' };
  await expect(beginIdempotent(db, other)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  await completeIdempotent(db, claim, 202, {});
  await expect(beginIdempotent(db, other)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  await expect(beginIdempotent(db, { ...request, key: 'reused', route: 'POST /v1/rollbacks' })).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  });
});

test('an abandoned key is free again', async () => {
  await abandonIdempotent(db, await begin('abandoned'));
  expect(await begin('abandoned')).toMatchObject({ key: 'abandoned' });
});

test('a process that died before queueing is replaced, and may no longer queue should it come back', async () => {
  const { model } = await importModel(db, 'idempotent');
  const submit = (idempotency: IdempotencyClaim) =>
    submitEditJob(db, {
      model,
      branch: 'main',
      edits: [madeEdit('a')],
      config: {},
      seed: 0,
      on_error: 'abort',
      on_conflict: 'fail',
      created_by: null,
      idempotency,
    });
  const dead = await begin('died');
  const heir = await begin('died', -1000);
  await expect(submit(dead)).rejects.toMatchObject({ code: 'idempotency_in_flight' });
  const job = await submit(heir);

  // The heir dies too, between queueing and answering: the next one answers from the job.
  const outcome = await beginIdempotent(db, { ...request, key: 'died' }, -1000);
  expect(outcome).toMatchObject({ kind: 'resume', jobId: job.id });
  expect((await listJobs(db, { model_ids: [model], kind: 'edit' })).data).toHaveLength(1);
  await completeIdempotent(db, heir, 202, { from: 'the heir, too late' });
  if (outcome.kind === 'resume') await completeIdempotent(db, outcome.claim, 202, { id: job.id });
  expect(await beginIdempotent(db, { ...request, key: 'died' })).toMatchObject({ response: { id: job.id } });
});
