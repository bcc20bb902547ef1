// Connections to PostgreSQL that break while the queue uses them cost the query that is under way, not the process; neither does a process
// that freezes cost the others more than a while.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';
import { openDispatch } from './index.ts';

const program = fileURLToPath(new URL('./set-schedule.fixture.ts', import.meta.url));
/** A process starts, and a lock is waited for. */
const patient = { timeout: 120_000 };
const database = await createTestDatabase();
const dispatch = await openDispatch(database.url);
afterAll(async () => {
  await dispatch.close();
  await database.drop();
});

const cut = () =>
  database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`);

test('a queue whose connections break again and again, also in the middle of work, goes on', async () => {
  const ticks = await dispatch.ticks();
  let cutting = true;
  const breaking = (async () => {
    while (cutting) {
      await cut();
      await sleep(5);
    }
  })();
  for (let round = 0; round < 20; round++) {
    const schedule = { id: `s-${round}`, pattern: '0 5 * * *', time_zone: 'UTC' };
    await Promise.allSettled([dispatch.wake(`lane-${round}`), ticks.upsert(schedule)]);
  }
  cutting = false;
  await breaking;
  let woken = false;
  for (let attempt = 0; attempt < 10 && !woken; attempt++) woken = await dispatch.wake('a lane');
  expect(woken).toBe(true);
  expect((await dispatch.counts()).waiting).toBeGreaterThan(0);
});

test('a consumer whose connections break while they are made does not spin, and takes work once they hold', async () => {
  const warnings: string[] = [];
  const fragile = await openDispatch(database.url, { onWarning: ({ message }) => void warnings.push(message) });
  let cutting = true;
  const breaking = (async () => {
    while (cutting) {
      await cut();
      await sleep(2);
    }
  })();
  const taken = new Set<string>();
  const consumers = Array.from({ length: 6 }, () =>
    fragile.consume(async (lane) => void taken.add(lane), { concurrency: 1 }),
  );
  await sleep(1_500);
  cutting = false;
  await breaking;
  const before = warnings.length;
  await expect
    .poll(async () => (await fragile.wake('after the storm')) && taken.has('after the storm'), patient)
    .toBe(true);
  await sleep(1_000);
  // A spinning one warns thousands of times in a second.
  expect(warnings.length - before).toBeLessThan(200);
  await Promise.all(consumers.map((consumer) => consumer.close()));
  await fragile.close();
}, 240_000);

test('a process that freezes while it sets a schedule does not keep others from it, and goes on when it thaws', async () => {
  const frozen = spawn(process.execPath, ['--import', 'tsx', program, database.url, 'frozen'], {
    env: { ...process.env, ERRATA_FAILPOINT: 'tick.before_set:stop' },
    stdio: 'inherit',
  });
  const ended = once(frozen, 'exit');
  // Of one key, where BullMQ's own have two.
  const inside = () =>
    database.query(`SELECT 1 FROM pg_stat_activity JOIN pg_locks USING (pid)
      WHERE state = 'idle in transaction' AND locktype = 'advisory' AND objsubid = 1 AND granted`);
  await expect.poll(inside, patient).toHaveLength(1);
  const ticks = await dispatch.ticks();
  const known = async () => (await ticks.list()).map(({ id }) => id).sort();
  await ticks.reconcile([{ id: 'other', pattern: '0 5 * * *', time_zone: 'UTC' }]);
  expect(await known()).toEqual(['other']);
  frozen.kill('SIGCONT');
  expect((await ended)[0]).toBe(0);
  expect(await known()).toEqual(['frozen', 'other']);
}, 240_000);
