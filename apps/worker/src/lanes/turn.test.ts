// Turns on a real database: what one wake-up leads to, and what a lane that cannot be worked does to the others.
import { ErrataError, toPlainError } from '@errata/contracts';
import { finishJob, migrate, openLineage, submitImport, type TakenJob } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';
import type { HeldLane } from './held-lane.ts';
import { type TurnOptions, takeTurns } from './turn.ts';

const database = await createTestDatabase();
await migrate(database.url);
const lineage = await openLineage(database.url);
afterAll(async () => {
  await lineage.close();
  await database.drop();
});

const woken: string[] = [];
const parts = { lineage, dispatch: { wake: async (lane: string) => woken.push(lane) > 0 } };
const submit = async (...names: readonly string[]) => {
  for (const name of names) await submitImport(lineage, { name, path: '/models/none', created_by: null });
};
const error = toPlainError(new ErrataError('invalid_request', 'as the test wants it'));
const finish = ({ lease }: HeldLane, { id }: TakenJob) =>
  finishJob(lineage, lease, { jobId: id, from: 'running', to: 'rejected', error });
const options: TurnOptions = {
  holder: 'test',
  leaseMs: 60_000,
  labels: [],
  draining: () => false,
  onFailure: (lane, thrown) => {
    throw new Error(`${lane} could not be worked`, { cause: thrown });
  },
};

test('one wake-up, and whoever answers it goes on until no lane waits', async () => {
  await submit('a', 'b', 'c');
  const [turns, taken]: [string[], string[]] = [[], []];
  const work = async (lane: HeldLane, job: TakenJob) => {
    taken.push(lane.lease.lane);
    // What comes meanwhile needs no wake-up either.
    if (taken.length === 1) await submit('late');
    await finish(lane, job);
  };
  await takeTurns(parts, 'import:c', options, work, async ({ lane, jobs }) => void turns.push(`${lane} ${jobs}`));
  expect(taken).toEqual(['import:a', 'import:b', 'import:c', 'import:late']);
  expect(turns).toEqual(taken.map((lane) => `${lane} 1`));
  expect(woken).toEqual([]);
  expect(await database.query('SELECT key FROM worker_time')).toEqual([{ key: '' }]);
});

test('a lane that cannot be worked is told of, and keeps no other from its turn', async () => {
  await submit('broken', 'sound');
  const [failed, taken]: [string[], string[]] = [[], []];
  const work = async (lane: HeldLane, job: TakenJob) => {
    if (lane.lease.lane === 'import:broken') throw new Error('broken');
    taken.push(lane.lease.lane);
    await finish(lane, job);
  };
  const careful = {
    ...options,
    declines: (lane: string) => failed.includes(lane),
    onFailure: (lane: string) => void failed.push(lane),
  };
  await takeTurns(parts, 'import:sound', careful, work);
  expect({ failed, taken }).toEqual({ failed: ['import:broken'], taken: ['import:sound'] });
  await database.query(`UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE state = 'running'`);
});

test('one that is to take no more leaves the rest to whoever is woken', async () => {
  await submit('first', 'second');
  let taken = 0;
  const work = async (lane: HeldLane, job: TakenJob) => {
    taken++;
    await finish(lane, job);
  };
  await takeTurns(parts, 'import:first', { ...options, draining: () => taken > 0 }, work);
  expect({ taken, woken }).toEqual({ taken: 1, woken: ['import:first'] });
});
