// The clocks of many workers over one database: what is due is run by one of them, in time though nobody asks again and again.

import { scheduleRequestSchema } from '@errata/contracts';
import { createSchedule, type Lineage, listRuns, migrate, openLineage, pauseSchedule } from '@errata/lineage';
import { openDispatch } from '@errata/queue';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';
import { createMetrics } from '../metrics.ts';
import { readSettings } from '../settings.ts';
import { startClock } from './clock.ts';
import type { Repeated } from './repeat.ts';

const database = await createTestDatabase();
await migrate(database.url);
const dispatch = await openDispatch(database.url);
const lineages = await Promise.all(Array.from({ length: 5 }, () => openLineage(database.url, { poolSize: 2 })));
const lineage = lineages[0]!;
afterAll(async () => {
  await dispatch.close();
  await Promise.all(lineages.map((each) => each.close()));
  await database.drop();
});
beforeAll(() =>
  database.query(`
    INSERT INTO models (id, name, digest, model_type, parameters, layers, width, vocabulary, context, has_tokenizer, files)
      VALUES ('m', 'm', 'd', 'gpt2', 1, 1, 1, 1, 1, true, '[]');
    INSERT INTO versions (id, model_id, delta_bytes) VALUES ('v', 'm', 0);
    INSERT INTO branches (id, model_id, name, head_version_id, gate, default_editor)
      VALUES ('b', 'm', 'main', 'v', '{}', 'rome')`),
);

/** An hour between two looks, unless something is due. */
const seldom = 3_600_000;
const start = (over: Lineage, reconcileMs: number): Repeated =>
  startClock({
    settings: { ...readSettings({ DATABASE_URL: database.url }), reconcileMs },
    lineage: over,
    dispatch,
    metrics: createMetrics(() => 0),
    log: pino({ level: 'silent' }),
    draining: () => false,
  });
async function schedule(name: string, cron: string) {
  const { model: _, branch: __, ...rest } = scheduleRequestSchema.parse({ name, model: 'm', cron });
  return (await createSchedule(lineage, { ...rest, branch_id: 'b', owner: null })).id;
}
const dueTimes = async (id: string) => (await listRuns(lineage, id, { limit: 100 })).data.map(({ due_at }) => due_at);

test('each due time is run once, whoever wakes for it, though they look by themselves once an hour', async () => {
  const ids = await Promise.all(['one', 'two', 'three'].map((name) => schedule(name, '* * * * * *')));
  const rare = await schedule('rare', '0 0 29 2 *');
  const clocks = lineages.map((each) => start(each, seldom));
  for (const id of ids) {
    await expect.poll(async () => (await dueTimes(id)).length, { timeout: 60_000 }).toBeGreaterThan(4);
    await pauseSchedule(lineage, id);
    const times = await dueTimes(id);
    expect(new Set(times).size).toBe(times.length);
    for (const at of times) expect(at).toMatch(/\.000Z$/);
  }
  await Promise.all(clocks.map((clock) => clock.stop()));
  expect(await dueTimes(rare)).toEqual([]);
});

test('one that is made while they sleep is found; one that another process is deciding keeps no other waiting', async () => {
  const stuck = await schedule('stuck', '* * * * * *');
  const free = await schedule('free', '* * * * * *');
  await expect(
    lineage.prisma.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT id FROM schedules WHERE id = ${stuck} FOR NO KEY UPDATE`;
      const clock = start(lineages[1]!, 50);
      await expect.poll(async () => (await dueTimes(free)).length, { timeout: 60_000 }).toBeGreaterThan(1);
      const late = await schedule('late', '* * * * * *');
      await expect.poll(async () => (await dueTimes(late)).length, { timeout: 60_000 }).toBeGreaterThan(1);
      expect(await dueTimes(stuck)).toEqual([]);
      await clock.stop();
      throw new Error('it dies');
    }),
  ).rejects.toThrow('it dies');
  const clock = start(lineages[1]!, seldom);
  await expect.poll(async () => (await dueTimes(stuck)).length, { timeout: 60_000 }).toBeGreaterThan(0);
  await clock.stop();
});
