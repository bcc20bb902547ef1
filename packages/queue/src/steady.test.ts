// Connections to PostgreSQL that break while the queue uses them cost the query that is under way, not the process.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';
import { openDispatch } from './index.ts';

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
