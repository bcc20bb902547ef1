// Schedules on real workers: edits that arrive are applied once each, in order, whoever dies meanwhile and whatever the queue forgets.
import { editSchema, type ScheduleRequest, scheduleRequestSchema } from '@errata/contracts';
import { type Failpoint, failpoints } from '@errata/failpoints';
import { activeEdits, addToInbox, checkBranch, createSchedule, listInbox, listRuns } from '@errata/lineage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edit, type FaultStack, openGate, shortLeaseMs, startFaultStack, until } from '../support/fault-stack.ts';
import { privateRedis, redisServer } from './redis.fixture.ts';

let stack: FaultStack;
beforeAll(async () => {
  stack = await startFaultStack({ leaseMs: shortLeaseMs });
});
afterAll(() => stack.close());

/** A schedule on a branch of its own. */
async function schedule({ lineage, branch }: FaultStack, name: string, request: Partial<ScheduleRequest>) {
  const { id: branch_id } = await branch(name);
  const {
    model: _,
    branch: __,
    ...rest
  } = scheduleRequestSchema.parse({
    name,
    model: 'tiny',
    editor: 'ft-m',
    config: { layer: 1, epochs: 3, learning_rate: 0.01 },
    gate: openGate,
    ...request,
  });
  const { id } = await createSchedule(lineage, { ...rest, branch_id, owner: null });
  return { id, branch: branch_id };
}

const deliver = ({ lineage }: FaultStack, branch_id: string, ...names: readonly string[]) =>
  addToInbox(lineage, {
    branch_id,
    edits: names.map((name) => editSchema.parse(edit(name))),
    priority: 0,
    created_by: null,
  });

const names = ['Sylvania', 'Latveria', 'Ruritania', 'Freedonia'];
/** Several processes start one after another. */
const patient = { timeout: 300_000 };

async function untilApplied({ lineage }: FaultStack, branch: string, names: readonly string[]): Promise<void> {
  await until(`${names.join(', ')} are applied`, async () => {
    const { data } = await listInbox(lineage, branch, { states: ['applied'] }, { limit: 100 });
    return data.length >= names.length;
  });
  expect((await activeEdits(lineage, branch)).map(({ custom_id }) => custom_id)).toEqual(names);
}

const ofSchedules = failpoints.filter((name) => name.startsWith('schedule.'));
test.each(ofSchedules)(
  'a worker killed at %s: every edit is applied, none twice',
  patient,
  async (place: Failpoint) => {
    const name = place.replaceAll(/[^a-z]+/g, '-');
    const victim = stack.startWorker({ ERRATA_FAILPOINT: place });
    await victim.ready;
    const { id, branch } = await schedule(stack, name, { when_pending: 2, batch_size: 2 });
    await deliver(stack, branch, ...names);
    expect(await victim.exited).toBe('SIGKILL');
    stack.spare.signal('SIGCONT');
    await untilApplied(stack, branch, names);
    await stack.rest();
    const { data: runs } = await listRuns(stack.lineage, id);
    expect(runs.map(({ outcome, counts }) => [outcome, counts.drawn])).toEqual([
      ['submitted', 2],
      ['submitted', 2],
    ]);
    expect(await checkBranch(stack.lineage, branch)).toEqual({ moves: 3 });
  },
);

/** Waits until a run of the branch is in the middle of its transaction, and answers with its connection. */
async function insideRun({ query }: FaultStack, branch: string): Promise<number> {
  let pid: unknown;
  await until('a run has drawn its edits', async () => {
    // The lock on the inbox: a run takes it right before it draws.
    const [row] = await query(
      `SELECT pg_locks.pid FROM pg_locks JOIN pg_stat_activity USING (pid)
       WHERE locktype = 'advisory' AND granted AND state = 'idle in transaction'
         AND (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)`,
      [`inbox:${branch}`],
    );
    pid = row?.pid;
    return pid !== undefined;
  });
  return Number(pid);
}

test(
  'a worker frozen amid a run, and thawed when another has run it: every edit is applied, none twice',
  patient,
  async () => {
    const frozen = await startFaultStack({ leaseMs: shortLeaseMs, frozenMs: 1_500 });
    try {
      const victim = frozen.startWorker({ ERRATA_FAILPOINT: 'schedule.after_submit:delay' });
      await victim.ready;
      const { id, branch } = await schedule(frozen, 'frozen', { when_pending: 2, batch_size: 2 });
      await deliver(frozen, branch, ...names);
      await insideRun(frozen, branch);
      victim.signal('SIGSTOP');
      frozen.spare.signal('SIGCONT');
      await untilApplied(frozen, branch, names);
      victim.signal('SIGCONT');
      await deliver(frozen, branch, 'Borduria', 'Syldavia');
      await untilApplied(frozen, branch, [...names, 'Borduria', 'Syldavia']);
      expect((await listRuns(frozen.lineage, id)).data.map(({ outcome }) => outcome)).toEqual(
        Array(3).fill('submitted'),
      );
      expect(await checkBranch(frozen.lineage, branch)).toEqual({ moves: 4 });
    } finally {
      await frozen.close();
    }
  },
);

test('a run that loses its database connection has not happened, and happens', patient, async () => {
  const worker = stack.startWorker({ ERRATA_FAILPOINT: 'schedule.after_batch:delay' });
  await worker.ready;
  const { id, branch } = await schedule(stack, 'cut', { when_pending: 2 });
  await deliver(stack, branch, 'Sylvania', 'Latveria');
  await stack.query('SELECT pg_terminate_backend($1)', [await insideRun(stack, branch)]);
  await untilApplied(stack, branch, ['Sylvania', 'Latveria']);
  expect((await listRuns(stack.lineage, id)).data).toMatchObject([{ outcome: 'submitted', counts: { drawn: 2 } }]);
  worker.signal('SIGTERM');
  expect(await worker.exited).toBe(0);
});

test('a cron schedule runs by itself, and the worker says what came of it', async () => {
  stack.spare.signal('SIGCONT');
  const { id, branch } = await schedule(stack, 'every-second', { cron: '* * * * * *' });
  await deliver(stack, branch, 'Sylvania');
  await untilApplied(stack, branch, ['Sylvania']);
  await stack.spare.logged(
    ({ msg, schedule, outcome }) => msg === 'schedule ran' && schedule === id && outcome === 'submitted',
  );
  const { data: runs } = await listRuns(stack.lineage, id, { limit: 100 });
  // Each due time once, on its second.
  const times = runs.map(({ due_at }) => due_at);
  expect(new Set(times).size).toBe(times.length);
  for (const at of times) expect(at).toMatch(/\.000Z$/);
  await stack.rest();
});

const absent = redisServer === undefined;
describe.skipIf(absent)(`FLUSHALL${absent ? ' (skipped: no redis-server found)' : ''}`, () => {
  test('Redis loses everything amid runs: schedules know nothing of it, and edits are applied once', async () => {
    const redis = await privateRedis();
    const flushed = await startFaultStack({ queueUrl: redis.url, leaseMs: shortLeaseMs });
    try {
      const everySecond = await schedule(flushed, 'every-second', { cron: '* * * * * *', batch_size: 1 });
      const counting = await schedule(flushed, 'counting', { when_pending: 2 });
      flushed.spare.signal('SIGCONT');
      await deliver(flushed, everySecond.branch, ...names);
      await deliver(flushed, counting.branch, 'Sylvania', 'Latveria');
      for (const applied of [1, 2]) {
        await untilApplied(flushed, everySecond.branch, names.slice(0, applied));
        await redis.flush();
      }
      await untilApplied(flushed, everySecond.branch, names);
      await untilApplied(flushed, counting.branch, ['Sylvania', 'Latveria']);
    } finally {
      await flushed.close();
      await redis.stop();
    }
  });
});
