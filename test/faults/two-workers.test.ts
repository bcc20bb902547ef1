// Two workers, two branches, twenty jobs each, submitted at once: every branch's edits in order, none lost, none twice.
import { expect, test } from 'vitest';
import { edit, type FaultStack, startFaultStack } from '../support/fault-stack.ts';
import { privateRedis, redisServer } from './redis.fixture.ts';
import { expectWholeHistory } from './whole-history.fixture.ts';

const jobsPerBranch = 20;

async function workTwoBranches(stack: FaultStack): Promise<void> {
  const names = ['left', 'right'] as const;
  const branches = await Promise.all(names.map((name) => stack.branch(name)));
  const workers = [stack.spare, stack.startWorker({ WORKER_NAME: 'other' })];
  await Promise.all(workers.map(({ ready }) => ready));
  stack.spare.signal('SIGCONT');
  // At once, from several callers: the order of a branch is the order of its sequence numbers.
  const submitted = await Promise.all(
    names.flatMap((branch) =>
      Array.from({ length: jobsPerBranch }, async (_, index) => {
        const edits = [edit(`${branch} ${index}`)];
        return { branch, edits, id: await stack.submit(edits, { branch }) };
      }),
    ),
  );
  for (const { id } of submitted) expect(await stack.finished(id)).toMatchObject({ state: 'succeeded', error: null });
  const holders = await stack.query(`SELECT DISTINCT data->>'holder' AS holder FROM events
    WHERE type = 'running' AND job_id IN (SELECT id FROM jobs WHERE kind = 'edit') ORDER BY holder`);
  expect(holders).toEqual([{ holder: 'other' }, { holder: 'spare' }]);
  for (const [index, { id: branchId }] of branches.entries()) {
    const rows = await stack.query('SELECT id FROM jobs WHERE branch_id = $1 ORDER BY sequence', [branchId]);
    const jobs = rows.map(({ id }) => submitted.find((job) => job.id === id)!);
    expect(jobs.map(({ branch }) => branch)).toEqual(Array.from({ length: jobsPerBranch }, () => names[index]));
    await expectWholeHistory(stack, branchId, jobs);
  }
  // An orderly end, while nothing is left to do.
  for (const worker of workers) worker.signal('SIGTERM');
  expect(await Promise.all(workers.map(({ exited }) => exited))).toEqual([0, 0]);
}

test('over PostgreSQL', async () => {
  const stack = await startFaultStack();
  try {
    await workTwoBranches(stack);
  } finally {
    await stack.close();
  }
});

const absent = redisServer === undefined;
test.skipIf(absent)(`over Redis${absent ? ' (skipped: no redis-server found)' : ''}`, async () => {
  const redis = await privateRedis();
  const stack = await startFaultStack({ queueUrl: redis.url });
  try {
    await workTwoBranches(stack);
  } finally {
    await stack.close();
    await redis.stop();
  }
});
