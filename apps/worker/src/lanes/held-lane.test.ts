// Holding a lane: renewed for as long as work goes on, broken off when another has taken it over.
import { acquireLease, migrate, openLineage, submitImport } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';
import { whileHolding } from './held-lane.ts';

const database = await createTestDatabase();
await migrate(database.url);
const lineage = await openLineage(database.url);
afterAll(async () => {
  await lineage.close();
  await database.drop();
});
const laneOf = async (name: string) => {
  await submitImport(lineage, { name, path: '/models/none', created_by: null });
  return `import:${name}`;
};
const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason));
  });
const until = async (holds: () => Promise<boolean>) => {
  await expect.poll(holds, { timeout: 20_000 }).toBe(true);
};

test('a lane that is held is not given to a second, and is free again after the work', async () => {
  const lane = await laneOf('shared');
  const options = { holder: 'first', leaseMs: 60_000 };
  const outcome = await whileHolding(lineage, lane, options, async () => {
    expect(await whileHolding(lineage, lane, { ...options, holder: 'second' }, async () => 'both')).toBeNull();
    return 'done';
  });
  expect(outcome).toEqual({ result: 'done' });
  expect(await whileHolding(lineage, lane, { ...options, holder: 'second' }, async () => 'next')).toEqual({
    result: 'next',
  });
});

test('the lane is free again after work that failed', async () => {
  const lane = await laneOf('broken');
  const fail = whileHolding(lineage, lane, { holder: 'first', leaseMs: 60_000 }, async () => {
    throw new Error('broken');
  });
  await expect(fail).rejects.toThrow('broken');
  expect(await acquireLease(lineage, lane, 'second', 1000)).not.toBeNull();
});

test('the lease is renewed while work outlasts it', async () => {
  const lane = await laneOf('long');
  const end = async () => (await database.query('SELECT expires_at FROM lanes WHERE id = $1', [lane]))[0]?.expires_at;
  await whileHolding(lineage, lane, { holder: 'first', leaseMs: 300 }, async ({ signal }) => {
    const first = await end();
    await until(async () => Number(await end()) - Number(first) > 600);
    expect(signal.aborted).toBe(false);
  });
});

test('work is broken off when another has taken the lane over, and nothing of the other is undone', async () => {
  const lane = await laneOf('taken');
  await whileHolding(lineage, lane, { holder: 'first', leaseMs: 300 }, async ({ lease, signal }) => {
    // In one statement, so that no renewal comes between the end of the lease and its passing to another.
    const takeOver = `UPDATE lanes SET holder = 'second', epoch = epoch + 1, expires_at = now() + interval '1 minute'
      WHERE id = $1 RETURNING epoch`;
    expect(await database.query(takeOver, [lane])).toEqual([{ epoch: lease.epoch + 1 }]);
    expect(await aborted(signal)).toMatchObject({ kind: 'let_go' });
  });
  expect(await database.query('SELECT holder FROM lanes WHERE id = $1', [lane])).toEqual([{ holder: 'second' }]);
});
