// Connections to PostgreSQL that break while the queue uses them cost the query that is under way, not the process.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';
import { openDispatch } from './index.ts';

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
  let cutting = true;
  const breaking = (async () => {
    while (cutting) {
      await cut();
      await sleep(5);
    }
  })();
  for (let round = 0; round < 20; round++) {
    await Promise.allSettled([dispatch.wake(`lane-${round}`), dispatch.wake(`other-${round}`)]);
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
