// A worker that is frozen past its lease, while another does its work, writes nothing when it wakes up.
import { getJob, listEvents } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { edit, type FaultStack, shortLeaseMs, startFaultStack, until } from '../support/fault-stack.ts';
import { expectWholeHistory } from './whole-history.fixture.ts';

const stack = await startFaultStack({ leaseMs: shortLeaseMs, frozenMs: 3_000 });
afterAll(() => stack.close());

/** Everything that a commit writes. */
const written = ({ query }: FaultStack) =>
  query(`SELECT (SELECT count(*) FROM versions) AS versions, (SELECT count(*) FROM contributions) AS contributions,
    (SELECT count(*) FROM branch_moves) AS moves, (SELECT count(*) FROM events) AS events,
    (SELECT string_agg(id || state || coalesce(version_id, '') || attempts || epoch, ',' ORDER BY id) FROM jobs) AS jobs`);

async function freezeAt(failpoint: string, branchName: string, frozenWhen: () => Promise<boolean>): Promise<void> {
  const branch = await stack.branch(branchName);
  const zombie = stack.startWorker({ ERRATA_FAILPOINT: `${failpoint}:delay`, WORKER_NAME: 'zombie' });
  await zombie.ready;
  const edits = [edit('Sylvania')];
  const id = await stack.submit(edits, { branch: branchName });
  await until(
    `${id} is in its commit`,
    async () => (await getJob(stack.lineage, id)).state === 'committing' && (await frozenWhen()),
  );
  zombie.signal('SIGSTOP');
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded' });
  const before = await written(stack);

  zombie.signal('SIGCONT');
  await zombie.logged(({ msg }) => msg === 'stopped working a lane' || msg === 'job left');
  expect(await written(stack)).toEqual(before);
  await expectWholeHistory(stack, branch.id, [{ id, edits }]);
  const { data: events } = await listEvents(stack.lineage, id, { limit: 100 });
  const holders = events.filter(({ type }) => type === 'running').map(({ data }) => data.holder);
  expect([holders[0], holders.at(-1)]).toEqual(['zombie', 'spare']);

  // It has come to its senses: it works on like any other.
  const next = await stack.submit([edit('Latveria')], { branch: branchName });
  expect(await stack.finished(next)).toMatchObject({ state: 'succeeded' });
  zombie.signal('SIGTERM');
  expect(await zombie.exited).toBe(0);
}

test('frozen before its commit', () => freezeAt('commit.before', 'before-commit', async () => true));

test('frozen inside its commit, holding the locks of the lane', () =>
  freezeAt('commit.after_version', 'inside-commit', async () => {
    const [row] = await stack.query(`SELECT count(*) AS open FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'idle in transaction'`);
    return Number(row?.open) > 0;
  }));
