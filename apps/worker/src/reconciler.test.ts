// The reconciler finds lanes that have work and that nobody works, however their wake-ups were lost.
import { acquireLease, migrate, openLineage, submitImport } from '@errata/lineage';
import { openDispatch } from '@errata/queue';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';
import { createMetrics } from './metrics.ts';
import { startReconciler } from './reconciler.ts';
import { readSettings } from './settings.ts';

const database = await createTestDatabase();
await migrate(database.url);
const lineage = await openLineage(database.url);
const dispatch = await openDispatch(database.url);
const ticks = await dispatch.ticks();
afterAll(async () => {
  await dispatch.close();
  await lineage.close();
  await database.drop();
});

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
    ticks,
    metrics: createMetrics(() => 0),
    log: pino({ level: 'silent' }),
  });
  await expect.poll(() => woken.filter((lane) => lane === 'import:free').length).toBeGreaterThan(1);
  await expect.poll(() => woken.filter((lane) => lane === 'import:expired').length).toBeGreaterThan(1);
  await submitImport(lineage, { name: 'late', path: '/models/none', created_by: null });
  await expect.poll(() => woken).toContain('import:late');
  expect(woken).not.toContain('import:held');
  await reconciler.stop();
  await consumer.close();
});

test('the queue is told when schedules are due, and lost ticks are found', async () => {
  await database.query(`
    INSERT INTO models (id, name, digest, model_type, parameters, layers, width, vocabulary, context, has_tokenizer, files)
      VALUES ('m', 'm', 'd', 'gpt2', 1, 1, 1, 1, 1, true, '[]');
    INSERT INTO versions (id, model_id, delta_bytes) VALUES ('v', 'm', 0);
    INSERT INTO branches (id, model_id, name, head_version_id, gate, default_editor) VALUES ('b', 'm', 'main', 'v', '{}', 'rome');
    INSERT INTO schedules (id, name, model_id, branch_id, cron, time_zone, policy, next_due_at, paused_at) VALUES
      ('due', 'due', 'm', 'b', '0 3 * * *', 'UTC', '{}', now() - interval '1 second', NULL),
      ('later', 'later', 'm', 'b', '0 4 * * *', 'Asia/Tokyo', '{}', now() + interval '1 day', NULL),
      ('paused', 'paused', 'm', 'b', '0 5 * * *', 'UTC', '{}', NULL, now())`);
  await ticks.upsert({ id: 'foreign', pattern: '0 0 * * *', time_zone: 'UTC' });
  const heard: string[] = [];
  const consumer = ticks.consume(async (id) => void heard.push(id));
  const reconciler = startReconciler({
    settings: { ...readSettings({ DATABASE_URL: database.url }), reconcileMs: 100 },
    lineage,
    dispatch,
    ticks,
    metrics: createMetrics(() => 0),
    log: pino({ level: 'silent' }),
  });
  await expect.poll(() => heard.length).toBeGreaterThan(1);
  const told = async () =>
    (await ticks.list()).map(({ id, pattern, time_zone }) => `${id} ${pattern} ${time_zone}`).sort();
  await expect.poll(told).toEqual(['due 0 3 * * * UTC', 'later 0 4 * * * Asia/Tokyo']);
  await database.query(`UPDATE schedules SET deleted_at = now() WHERE id = 'later'`);
  await expect.poll(told).toEqual(['due 0 3 * * * UTC']);
  expect(new Set(heard)).toEqual(new Set(['due']));
  await reconciler.stop();
  await consumer.close();
});
