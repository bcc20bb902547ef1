// Working a lane: leases, strict order, recovery of what dead workers left, cancellation and retry.
import { ErrataError, toPlainError } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import {
  acquireLease,
  appendProgress,
  cancelJob,
  finishJob,
  forgetWorker,
  getJob,
  isCancelRequested,
  isTurnOf,
  listEvents,
  maxAttempts,
  moveJob,
  noteWorker,
  releaseLease,
  renewLease,
  requeueJob,
  retryJob,
  takeNextJob,
} from '../index.ts';
import {
  commitEdits,
  importModel,
  madeEdit,
  openFixture,
  submitEdits,
  take,
  toCommitting,
  waitingIds,
} from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);

const crashed = toPlainError(new ErrataError('engine_crashed', 'the engine ended'));
const typesOf = async (job: string) => (await listEvents(db, job, { limit: 100 })).data.map(({ type }) => type);

test('of twenty workers at once, one gets the lease; the others get it when it is free or has run out', async () => {
  const { lane } = await importModel(db, 'leased');
  await submitEdits(db, 'leased', [madeEdit('a')]);
  const grants = await Promise.all(
    Array.from({ length: 20 }, (_, index) => acquireLease(db, lane, `w${index}`, 60_000)),
  );
  const [lease] = grants.filter((grant) => grant !== null);
  expect(grants.filter((grant) => grant !== null)).toHaveLength(1);
  expect(await renewLease(db, lease!, 60_000)).toBe(true);
  expect(await renewLease(db, { ...lease!, holder: 'another' }, 60_000)).toBe(false);
  expect(await releaseLease(db, { ...lease!, epoch: lease!.epoch - 1 })).toBe(false);
  expect(await releaseLease(db, lease!)).toBe(true);
  const next = await acquireLease(db, lane, 'next', 0);
  expect(next?.epoch).toBe(lease!.epoch + 1);
  expect((await acquireLease(db, lane, 'after expiry', 60_000))?.epoch).toBe(lease!.epoch + 2);
  expect(await acquireLease(db, 'branch:absent', 'w', 1000)).toBeNull();
});

test('jobs are taken in the order of submission, and a failed one does not hold up the next', async () => {
  const { lane } = await importModel(db, 'ordered');
  const jobs = [];
  for (const id of ['a', 'b', 'c']) jobs.push(await submitEdits(db, 'ordered', [madeEdit(id)]));
  const { lease, taken } = await take(db, lane);
  expect(taken.id).toBe(jobs[0]!.id);
  await finishJob(db, lease, { jobId: taken.id, from: 'running', to: 'rejected', error: crashed });
  const second = await takeNextJob(db, lease);
  expect(second?.id).toBe(jobs[1]!.id);
  await moveJob(db, lease, second!.id, 'running', 'evaluating');
  const gate = { passed: false, findings: [] };
  await finishJob(db, lease, { jobId: second!.id, from: 'evaluating', to: 'gated_out', gate });
  expect(await getJob(db, second!.id)).toMatchObject({ state: 'gated_out', gate, version_id: null });
  const third = await takeNextJob(db, lease);
  expect(third?.id).toBe(jobs[2]!.id);
  await toCommitting(db, lease, third!.id);
  await commitEdits(db, lease, third!);
  expect(await takeNextJob(db, lease)).toBeNull();
});

test('what a dead worker left goes back to the queue with an event, and fails when its attempts are used up', async () => {
  const { lane } = await importModel(db, 'fragile');
  const job = await submitEdits(db, 'fragile', [madeEdit('a')]);
  const next = await submitEdits(db, 'fragile', [madeEdit('b')]);
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const { lease, taken } = await take(db, lane, 0);
    expect(taken).toMatchObject({ id: job.id, attempts: attempt });
    if (attempt === 2) await toCommitting(db, lease, job.id);
  }
  const { taken } = await take(db, lane, 0);
  expect(taken.id).toBe(next.id);
  expect(await getJob(db, job.id)).toMatchObject({
    state: 'failed',
    attempts: maxAttempts,
    error: { code: 'engine_crashed' },
  });
  const rounds = Array.from({ length: maxAttempts - 1 }, (_, index) =>
    index === 1 ? ['running', 'evaluating', 'committing', 'queued'] : ['running', 'queued'],
  ).flat();
  expect(await typesOf(job.id)).toEqual(['queued', ...rounds, 'running', 'failed']);

  expect(await retryJob(db, job.id)).toMatchObject({ state: 'queued', attempts: 0, sequence: 1 });
  expect((await take(db, lane, 0)).taken.id).toBe(job.id);
});

test('a job put back waits for its pause, then runs again; a fifth failure is final', async () => {
  const { lane } = await importModel(db, 'paused');
  const job = await submitEdits(db, 'paused', [madeEdit('a')]);
  const { lease } = await take(db, lane);
  const again = { jobId: job.id, from: 'running', error: crashed } as const;
  expect(await requeueJob(db, lease, { ...again, delayMs: 3_600_000 })).toBe('queued');
  expect(await getJob(db, job.id)).toMatchObject({ state: 'queued', error: { code: 'engine_crashed' } });
  expect(await takeNextJob(db, lease)).toBeNull();
  await releaseLease(db, lease);
  expect(await waitingIds(db)).not.toContain(lane);

  await fixture.query(`UPDATE jobs SET available_at = now() WHERE id = $1`, [job.id]);
  expect(await waitingIds(db)).toContain(lane);
  const { lease: second } = await take(db, lane);
  expect(await waitingIds(db)).not.toContain(lane);
  for (let attempt = 2; attempt < maxAttempts; attempt += 1) {
    expect(await requeueJob(db, second, again)).toBe('queued');
    expect(await takeNextJob(db, second)).toMatchObject({ attempts: attempt + 1, id: job.id });
    expect((await getJob(db, job.id)).error).toBeNull();
  }
  expect(await requeueJob(db, second, again)).toBe('failed');
});

test('a lane whose worker died needs work; one that is worked or empty does not', async () => {
  const { lane } = await importModel(db, 'reconciled');
  expect(await waitingIds(db)).not.toContain(lane);
  await submitEdits(db, 'reconciled', [madeEdit('a')]);
  expect(await waitingIds(db)).toContain(lane);
  const { lease } = await take(db, lane, 60_000);
  expect(await waitingIds(db)).not.toContain(lane);
  await renewLease(db, lease, 0);
  expect(await waitingIds(db)).toContain(lane);
});

test('of workers with the same labels one is to look for all of them, another when that one has gone', async () => {
  const alike = ['a', 'b', 'c'];
  for (const name of alike) await noteWorker(db, name, 60_000, ['gpu', 'warm']);
  await noteWorker(db, 'other', 60_000, ['gpu']);
  // Eleven days: the test falls into one of them.
  const everyMs = 1_000_000_000;
  const dueOf = async (names: readonly string[]) => {
    const due = await Promise.all(names.map((name) => isTurnOf(db, name, { labels: ['warm', 'gpu'], everyMs })));
    return names.filter((_, index) => due[index]);
  };
  const [first, ...more] = await dueOf(alike);
  expect(more).toEqual([]);
  await forgetWorker(db, first!);
  expect(await dueOf(alike.filter((name) => name !== first))).toHaveLength(1);
  expect(await isTurnOf(db, 'other', { labels: ['gpu'], everyMs })).toBe(true);
  expect(await isTurnOf(db, 'never heard of', { labels: ['gpu'], everyMs })).toBe(true);
});

test('cancelling: at once while queued, by request while running, never once committing', async () => {
  const { lane } = await importModel(db, 'cancelled');
  const queued = await submitEdits(db, 'cancelled', [madeEdit('a')]);
  expect(await cancelJob(db, queued.id)).toMatchObject({ state: 'cancelled' });
  expect(await cancelJob(db, queued.id)).toMatchObject({ state: 'cancelled' });
  expect(await typesOf(queued.id)).toEqual(['queued', 'cancelled']);

  const running = await submitEdits(db, 'cancelled', [madeEdit('b')]);
  const { lease } = await take(db, lane);
  await moveJob(db, lease, running.id, 'running', 'evaluating');
  expect(await isCancelRequested(db, running.id)).toBe(false);
  expect(await cancelJob(db, running.id)).toMatchObject({ state: 'evaluating' });
  await cancelJob(db, running.id);
  expect(await isCancelRequested(db, running.id)).toBe(true);
  expect(await moveJob(db, lease, running.id, 'evaluating', 'committing')).toBe('cancel_requested');
  await finishJob(db, lease, { jobId: running.id, from: 'evaluating', to: 'cancelled' });
  expect(await typesOf(running.id)).toEqual(['queued', 'running', 'evaluating', 'cancel_requested', 'cancelled']);

  await retryJob(db, running.id);
  const retaken = await takeNextJob(db, lease);
  expect(retaken?.id).toBe(running.id);
  expect(await isCancelRequested(db, running.id)).toBe(false);
  await toCommitting(db, lease, running.id);
  await expect(cancelJob(db, running.id)).rejects.toMatchObject({
    code: 'not_cancellable',
    details: { state: 'committing' },
  });
  await expect(retryJob(db, running.id)).rejects.toMatchObject({ code: 'not_retryable' });
  await commitEdits(db, lease, retaken!);
  await expect(cancelJob(db, running.id)).rejects.toMatchObject({ code: 'not_cancellable' });
  await expect(retryJob(db, running.id)).rejects.toMatchObject({
    code: 'not_retryable',
    details: { state: 'succeeded' },
  });
  await expect(cancelJob(db, 'job_absent')).rejects.toMatchObject({ code: 'unknown_job' });
});

test('a request to cancel outlives the worker that should have honoured it', async () => {
  const { lane } = await importModel(db, 'cancelled-later');
  const left = await submitEdits(db, 'cancelled-later', [madeEdit('a')]);
  const broken = await submitEdits(db, 'cancelled-later', [madeEdit('b')]);
  await take(db, lane, 0);
  await cancelJob(db, left.id);
  const { lease, taken } = await take(db, lane);
  expect(await getJob(db, left.id)).toMatchObject({ state: 'cancelled' });
  expect(taken.id).toBe(broken.id);
  await cancelJob(db, broken.id);
  expect(await requeueJob(db, lease, { jobId: broken.id, from: 'running', error: crashed })).toBe('cancelled');
});

test('a job that is handed back loses no attempt, and a wish to cancel stays with it', async () => {
  const { lane } = await importModel(db, 'handed-back');
  const job = await submitEdits(db, 'handed-back', [madeEdit('a')]);
  const { lease } = await take(db, lane);
  await moveJob(db, lease, job.id, 'running', 'queued', { reason: 'stopping' });
  expect(await getJob(db, job.id)).toMatchObject({ state: 'queued', attempts: 0 });
  await takeNextJob(db, lease);
  await cancelJob(db, job.id);
  await moveJob(db, lease, job.id, 'running', 'queued');
  expect(await takeNextJob(db, lease)).toBeNull();
  expect(await getJob(db, job.id)).toMatchObject({ state: 'cancelled' });
});

test('cancelling and taking race to one outcome, with one event for each state', async () => {
  const { lane } = await importModel(db, 'raced');
  const jobs = [];
  for (let index = 0; index < 10; index += 1) jobs.push(await submitEdits(db, 'raced', [madeEdit(`e${index}`)]));
  const lease = (await acquireLease(db, lane, 'racer', 60_000))!;
  for (const job of jobs) {
    const [, taken] = await Promise.all([cancelJob(db, job.id), takeNextJob(db, lease)]);
    if (taken?.id === job.id) await finishJob(db, lease, { jobId: job.id, from: 'running', to: 'cancelled' });
    else if (taken !== null) await requeueJob(db, lease, { jobId: taken.id, from: 'running', error: crashed });
    expect(await getJob(db, job.id)).toMatchObject({ state: 'cancelled' });
    const types = (await typesOf(job.id)).filter((type) => type === 'cancelled' || type === 'cancel_requested');
    expect(types.filter((type) => type === 'cancelled')).toHaveLength(1);
  }
});

test('progress is noted in order by the holder alone, and a reader who remembers the last id misses none', async () => {
  const { lane } = await importModel(db, 'progressing');
  const job = await submitEdits(db, 'progressing', [madeEdit('a')]);
  const { lease: old } = await take(db, lane, 0);
  await appendProgress(db, old, job.id, { done: 1 });
  const { lease } = await take(db, lane);
  expect(await appendProgress(db, old, job.id, { done: 2 })).toBe(false);
  await Promise.all(Array.from({ length: 20 }, (_, index) => appendProgress(db, lease, job.id, { done: index })));
  const seen: number[] = [];
  for (let after: string | undefined; ; ) {
    const page = await listEvents(db, job.id, { after, limit: 7 });
    seen.push(...page.data.map(({ id }) => id));
    if (page.next_cursor === null) break;
    after = page.next_cursor;
  }
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen).toHaveLength(1 + 2 + 2 + 20);
});

test('no worker moves a job that is not in the state it believes', async () => {
  const { lane } = await importModel(db, 'guarded');
  const job = await submitEdits(db, 'guarded', [madeEdit('a')]);
  const { lease } = await take(db, lane);
  const before = await typesOf(job.id);
  await expect(moveJob(db, lease, job.id, 'evaluating', 'committing')).rejects.toMatchObject({ code: 'stale_epoch' });
  await expect(moveJob(db, lease, job.id, 'running', 'succeeded')).rejects.toThrow(
    'cannot move from running to succeeded',
  );
  await expect(takeNextJob(db, lease)).rejects.toMatchObject({ code: 'internal' });
  expect(await typesOf(job.id)).toEqual(before);
  await expect(takeNextJob(db, { ...lease, epoch: lease.epoch - 1 })).rejects.toMatchObject({ code: 'stale_epoch' });
});
