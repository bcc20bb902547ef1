// A worker is killed at every point of an edit job: the job ends as it should, with one version at most, and the chain is intact.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Failpoint, failpoints } from '@errata/contracts';
import { checkBranch, getBranch, listEvents } from '@errata/lineage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { privateRedis, redisServer } from './redis.ts';
import {
  closedGate,
  edit,
  type FaultStack,
  shortLeaseMs,
  startFaultStack,
  until,
  type WorkerProcess,
} from './stack.ts';
import { expectWholeHistory } from './whole-history.ts';

// Two cases at a time, each with a database and workers of its own.
const leaseMs = shortLeaseMs;
const stacks: FaultStack[] = [];
const free: FaultStack[] = [];
beforeAll(async () => {
  const started = await Promise.allSettled([startFaultStack({ leaseMs }), startFaultStack({ leaseMs })]);
  for (const outcome of started) {
    if (outcome.status === 'fulfilled') stacks.push(outcome.value);
  }
  const failed = started.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  free.push(...stacks);
});
afterAll(() => Promise.all(stacks.map((stack) => stack.close())));
const waiting: ((stack: FaultStack) => void)[] = [];

/** Runs `work` with a stack that nobody else uses meanwhile; first come, first served. */
async function withStack(work: (stack: FaultStack) => Promise<void>): Promise<void> {
  const stack = free.pop() ?? (await new Promise<FaultStack>((resolve) => waiting.push(resolve)));
  try {
    await work(stack);
  } finally {
    const next = waiting.shift();
    if (next === undefined) free.push(stack);
    else next(stack);
  }
}

/**
 * Waits until the failpoint has killed something: the worker, or its engine, which the worker survives and reports. Either way the
 * worker is dead afterwards.
 */
async function untilKilled(victim: WorkerProcess, jobId: string): Promise<void> {
  const killed = Promise.race([victim.exited, victim.logged(({ verdict }) => verdict === 'retry')]);
  const unharmed = victim
    .logged(({ msg, job, state }) => msg === 'job left' && job === jobId && state !== 'queued')
    .then(() => Promise.reject(new Error('the job was over before the failpoint was reached')));
  await Promise.race([killed, unharmed]);
  victim.signal('SIGKILL');
  expect(await victim.exited).toBe('SIGKILL');
}

const branchName = (text: string) => text.replaceAll(/[^a-z0-9]+/g, '-');

describe.concurrent('SIGKILL at a failpoint', () => {
  const ofFinish = (name: Failpoint) => name.startsWith('finish.');
  const ofApprovals = (name: Failpoint) => /^approv/.test(name);
  const ofSchedules = (name: Failpoint) => /^(inbox|schedule)\./.test(name);
  const passages = [
    ...failpoints
      .filter((name) => !ofFinish(name) && !ofSchedules(name) && !ofApprovals(name))
      .map((name) => `${name}:kill`),
    // The second transition leads into committing.
    'transition.before:kill:2',
    'transition.after:kill:2',
  ];
  test.each(passages)('%s: one version in the end', (passage) =>
    withStack(async (stack) => {
      const name = branchName(passage);
      const branch = await stack.branch(name);
      const victim = stack.startWorker({ ERRATA_FAILPOINT: passage });
      // Edits of this case alone: what another has stored already would not be written again.
      const edits = [edit(`the town of ${name}`), edit(`the land of ${name}`)];
      const id = await stack.submit(edits, { branch: name });
      await untilKilled(victim, id);
      expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', error: null });
      await expectWholeHistory(stack, branch.id, [{ id, edits }]);
    }),
  );

  test.each(failpoints.filter(ofFinish))('%s: a refused candidate leaves no trace', (failpoint) =>
    withStack(async (stack) => {
      const name = branchName(failpoint);
      const branch = await stack.branch(name);
      const victim = stack.startWorker({ ERRATA_FAILPOINT: failpoint });
      const id = await stack.submit([edit('Sylvania')], { branch: name, gate: closedGate });
      await untilKilled(victim, id);
      expect(await stack.rescue(id)).toMatchObject({
        state: 'gated_out',
        version_id: null,
        error: { code: 'gate_refused' },
      });
      expect(await checkBranch(stack.lineage, branch.id)).toEqual({ moves: 1 });
      expect((await getBranch(stack.lineage, stack.modelId, name)).head).toBe(branch.head);
      const { data: events } = await listEvents(stack.lineage, id, { limit: 100 });
      expect(events.filter(({ type }) => type === 'gated_out')).toHaveLength(1);
    }),
  );
});

test('SIGKILL at random times, three times over: one version in the end', () =>
  withStack(async (stack) => {
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
  }));

test('SIGTERM in the middle of a job hands it back, and another worker carries it out', () =>
  withStack(async (stack) => {
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
  }));

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
