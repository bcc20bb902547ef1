// A worker is killed or stopped while it works, or its queue forgets everything: the job ends as it should, with one version at most.
// Deaths at each step of the work: failpoints.test.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { listEvents } from '@errata/lineage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edit, type FaultStack, shortLeaseMs, startFaultStack, until } from '../support/fault-stack.ts';
import { privateRedis, redisServer } from './redis.fixture.ts';
import { expectWholeHistory } from './whole-history.fixture.ts';

const leaseMs = shortLeaseMs;
let stack: FaultStack;
beforeAll(async () => {
  stack = await startFaultStack({ leaseMs });
});
afterAll(() => stack.close());

test('SIGKILL at random times, three times over: one version in the end', async () => {
  const branch = await stack.branch('random-times');
  const edits = Array.from({ length: 12 }, (_, index) => edit(`Town ${index}`));
  const id = await stack.submit(edits, { branch: 'random-times' });
  for (let kill = 0; kill < 3; kill++) {
    const victim = stack.startWorker();
    await Promise.race([
      victim.logged(({ msg, job }) => msg === 'job started' && job === id),
      stack.finished(id), // the last kill may have come after the commit
    ]);
    const delay = Math.floor(Math.random() * 1500);
    console.log(`killing the worker ${delay} ms into attempt ${kill + 1}`);
    await sleep(delay);
    victim.signal('SIGKILL');
    await victim.exited;
  }
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', error: null });
  await expectWholeHistory(stack, branch.id, [{ id, edits }]);
});

test('SIGTERM in the middle of a job hands it back, and another worker carries it out', async () => {
  const branch = await stack.branch('handed-back');
  const leaving = stack.startWorker({ STOP_GRACE_MS: '0' });
  const edits = Array.from({ length: 24 }, (_, index) => edit(`Town ${index}`));
  const id = await stack.submit(edits, { branch: 'handed-back', config: { layer: 1, epochs: 200, stop_loss: 0 } });
  await leaving.logged(({ msg, job }) => msg === 'job started' && job === id);
  leaving.signal('SIGTERM');
  expect(await leaving.exited).toBe(0);
  const { data: events } = await listEvents(stack.lineage, id, { limit: 100 });
  expect(events.at(-1)).toMatchObject({ type: 'queued', data: { reason: 'the worker is stopping' } });
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', attempts: 1 });
  await expectWholeHistory(stack, branch.id, [{ id, edits }]);
});

const absent = redisServer === undefined;
describe.skipIf(absent)(`FLUSHALL${absent ? ' (skipped: no redis-server found)' : ''}`, () => {
  test('between submission and start, and again while the job runs: one version in the end', async () => {
    const redis = await privateRedis();
    const stack = await startFaultStack({ queueUrl: redis.url, leaseMs });
    try {
      const branch = await stack.branch('flushed');
      const edits = [edit('Sylvania')];
      const id = await stack.submit(edits, { branch: 'flushed' });
      expect(await stack.dispatch.counts()).toMatchObject({ waiting: 1 });
      await redis.flush();
      expect(await stack.dispatch.counts()).toEqual({ waiting: 0, active: 0 });
      const worker = stack.startWorker({ ERRATA_FAILPOINT: 'take.after:delay' });
      await until(`${id} runs`, async () => (await listEvents(stack.lineage, id)).data.at(-1)?.type === 'running');
      await redis.flush();
      expect(await stack.finished(id)).toMatchObject({ state: 'succeeded', error: null });
      // And the lane can be woken again.
      const next = await stack.submit([edit('Latveria')], { branch: 'flushed' });
      expect(await stack.finished(next)).toMatchObject({ state: 'succeeded', error: null });
      await expectWholeHistory(stack, branch.id, [
        { id, edits },
        { id: next, edits: [edit('Latveria')] },
      ]);
      worker.signal('SIGTERM');
      expect(await worker.exited).toBe(0);
    } finally {
      await stack.close();
      await redis.stop();
    }
  });
});
