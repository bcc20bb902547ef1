// The reconciler finds lanes that have work and that nobody works, however their wake-ups were lost.
import { acquireLease, migrate, openLineage, submitImport } from '@errata/lineage';
import { openDispatch } from '@errata/queue';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';
import { createMetrics } from '../metrics.ts';
import { readSettings } from '../settings.ts';
import { startReconciler } from './reconciler.ts';

const database = await createTestDatabase();
await migrate(database.url);
const lineage = await openLineage(database.url);
const dispatch = await openDispatch(database.url);
afterAll(async () => {
  await dispatch.close();
  await lineage.close();
  await database.drop();
});

/** However slow the machine is. */
const soon = { timeout: 60_000 };

test('lanes with work and without a live lease are woken, now and again', async () => {
  for (const name of ['free', 'held', 'expired'])
    await submitImport(lineage, { name, path: '/models/none', created_by: null });
  await acquireLease(lineage, 'import:held', 'somebody', 60_000);
  await acquireLease(lineage, 'import:expired', 'somebody', 0);
  const woken: string[] = [];
  const consumer = dispatch.consume(async (lane) => void woken.push(lane), { concurrency: 1 });
  const reconciler = startReconciler({
    settings: { ...readSettings({ DATABASE_URL: database.url }), reconcileMs: 100 },
    lineage,
    dispatch,
    metrics: createMetrics(() => 0),
    log: pino({ level: 'silent' }),
  });
  await expect.poll(() => woken.filter((lane) => lane === 'import:free').length, soon).toBeGreaterThan(1);
  await expect.poll(() => woken.filter((lane) => lane === 'import:expired').length, soon).toBeGreaterThan(1);
  // Keys that nobody will ask for again are forgotten meanwhile.
  await database.query(`INSERT INTO idempotency_keys (owner, key, route, body_digest, claim, claimed_at)
    VALUES ('o', 'old', 'r', 'd', 'c', now() - interval '25 hours'), ('o', 'young', 'r', 'd', 'c', now())`);
  const keys = async () => (await database.query('SELECT key FROM idempotency_keys')).map(({ key }) => key);
  await expect.poll(keys, soon).toEqual(['young']);
  await submitImport(lineage, { name: 'late', path: '/models/none', created_by: null });
  await expect.poll(() => woken, soon).toContain('import:late');
  expect(woken).not.toContain('import:held');
  await reconciler.stop();
  await consumer.close();
});
