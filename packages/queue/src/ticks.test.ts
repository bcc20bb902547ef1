// What ticks promise, on each backend: one scheduler a schedule however many ask at once, and all of them back after the server forgot everything.
import { Redis } from 'ioredis';
import { afterAll, afterEach, describe, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';
import { type CronSchedule, type Dispatch, openDispatch, type Ticks } from './index.ts';

const database = await createTestDatabase();
const redisUrl = inject('redisUrl');
const redis = redisUrl === null ? null : new Redis(new URL(redisUrl).pathname);
const open = new Set<Dispatch>();
afterEach(async () => {
  await Promise.all([...open].map((dispatch) => dispatch.close()));
  open.clear();
});
afterAll(async () => {
  redis?.disconnect();
  await database.drop();
});

/** How each server forgets a queue, or loses the next tick of a schedule. */
const backends = [
  {
    backend: 'postgres',
    url: database.url,
    wipe: async (queue: string) => {
      for (const table of ['job', 'scheduler', 'dedup', 'dedup_next', 'meta'])
        await database.query(`DELETE FROM bullmq.${table} WHERE queue = $1`, [queue]);
    },
    lose: async (queue: string, id: string) => {
      await database.query('DELETE FROM bullmq.job WHERE queue = $1 AND scheduler_id = $2', [queue, id]);
      await database.query('UPDATE bullmq.scheduler SET next_run_ms = 1 WHERE queue = $1 AND scheduler_id = $2', [
        queue,
        id,
      ]);
    },
  },
  {
    backend: 'redis',
    url: redisUrl,
    wipe: async (queue: string) => {
      const keys = (await redis?.keys(`bull:${queue}:*`)) ?? [];
      if (keys.length > 0) await redis?.del(keys);
    },
    lose: async (queue: string, id: string) => {
      const jobs = (await redis?.keys(`bull:${queue}:repeat:${id}:*`)) ?? [];
      if (jobs.length > 0) await redis?.del(jobs);
      await redis?.del(`bull:${queue}:delayed`);
      await redis?.zadd(`bull:${queue}:repeat`, 1, id);
    },
  },
] as const;

/** Upserts wait for each other on PostgreSQL. */
const patient = { timeout: 60_000 };
let queues = 0;
const hourly = (id: string, more: Partial<CronSchedule> = {}): CronSchedule => ({
  id,
  pattern: '0 * * * *',
  time_zone: 'Europe/Berlin',
  ...more,
});

for (const { backend, url, wipe, lose } of backends) {
  describe.skipIf(url === null)(
    `ticks over ${backend}${url === null ? ' (skipped: no redis-server found)' : ''}`,
    () => {
      const fresh = () => `ticks-${process.pid}-${queues++}`;
      const connect = async (name: string): Promise<Ticks> => {
        const dispatch = await openDispatch(url ?? '', { name });
        open.add(dispatch);
        return dispatch.ticks();
      };
      const ids = async (ticks: Ticks) => (await ticks.list()).map(({ id }) => id).sort();

      test('fifty upserts at once give exactly one scheduler with one tick to come', async () => {
        const name = fresh();
        const senders = [await connect(name), await connect(name), await connect(name)];
        const done = await Promise.all(Array.from({ length: 50 }, (_, i) => senders[i % 3]!.upsert(hourly('s'))));
        expect(done).toEqual(Array(50).fill(true));
        await expect.poll(() => senders[0]!.list(), patient).toEqual([{ ...hourly('s'), next: expect.any(Date) }]);
        expect(await senders[0]!.counts()).toEqual({ waiting: 0, active: 0, delayed: 1 });
        // The next tick is when our own reading of the expression says.
        const [{ next } = { next: null }] = await senders[0]!.list();
        expect(next?.getUTCMinutes()).toBe(0);
      });

      test('fifty changes at once leave one of them, whole', async () => {
        const ticks = await connect(fresh());
        const minutes = Array.from({ length: 50 }, (_, minute) => `${minute} 5 * * *`);
        await Promise.all(minutes.map((pattern) => ticks.upsert(hourly('s', { pattern }))));
        // On a busy machine some of them have only been asked for by now.
        await ticks.upsert(hourly('last'));
        await expect.poll(() => ids(ticks), patient).toEqual(['last', 's']);
        const [scheduler] = (await ticks.list()).filter(({ id }) => id === 's');
        expect(minutes).toContain(scheduler?.pattern);
        expect(await ticks.counts()).toMatchObject({ delayed: 2 });
        await ticks.upsert(hourly('s', { pattern: '7 5 * * *', time_zone: 'UTC' }));
        const due = async () => (await ticks.list()).find(({ id }) => id === 's');
        await expect.poll(due, patient).toMatchObject({ pattern: '7 5 * * *', time_zone: 'UTC' });
        expect((await due())?.next?.toISOString()).toMatch(/T05:07:00.000Z$/);
        expect(await ticks.counts()).toMatchObject({ delayed: 2 });
      });

      test('schedulers tick on, one tick at a time, while others upsert them', async () => {
        const name = fresh();
        const ticks = await connect(name);
        const everySecond = hourly('s', { pattern: '* * * * * *' });
        let heard = 0;
        await ticks.upsert(everySecond);
        ticks.consume(async (id) => {
          expect(id).toBe('s');
          heard++;
          await Promise.all(Array.from({ length: 10 }, () => ticks.upsert(everySecond)));
        });
        await expect.poll(() => heard, { timeout: 30_000 }).toBeGreaterThan(2);
        expect(await ids(ticks)).toEqual(['s']);
        expect((await ticks.counts()).delayed).toBeLessThanOrEqual(1);
        await ticks.remove('s');
        expect(await ids(ticks)).toEqual([]);
        await expect.poll(() => ticks.counts()).toEqual({ waiting: 0, active: 0, delayed: 0 });
      });

      test('reconciling adds what is missing, changes what differs, removes what is foreign, and then has nothing to do', async () => {
        const ticks = await connect(fresh());
        await ticks.upsert(hourly('same'));
        await ticks.upsert(hourly('differs', { pattern: '1 * * * *' }));
        await ticks.upsert(hourly('zone', { time_zone: 'UTC' }));
        await ticks.upsert(hourly('foreign'));
        const wanted = ['same', 'differs', 'zone', 'missing'].map((id) => hourly(id));
        expect([...(await ticks.reconcile(wanted))].sort()).toEqual(['differs', 'foreign', 'missing', 'zone']);
        expect(await ids(ticks)).toEqual(['differs', 'missing', 'same', 'zone']);
        for (const { pattern, time_zone } of await ticks.list())
          expect([pattern, time_zone]).toEqual(['0 * * * *', 'Europe/Berlin']);
        expect(await ticks.counts()).toMatchObject({ delayed: 4 });
        expect(await ticks.reconcile(wanted)).toEqual([]);
      });

      test('a server that forgot everything is told everything again, and ticks', async () => {
        const name = fresh();
        const ticks = await connect(name);
        const wanted = Array.from({ length: 20 }, (_, i) => hourly(`s${i}`));
        const ticking = hourly('ticking', { pattern: '* * * * * *' });
        const heard: string[] = [];
        ticks.consume(async (id) => void heard.push(id));
        await ticks.reconcile([...wanted, ticking]);
        await wipe(`${name}-ticks`);
        expect(await ticks.list()).toEqual([]);
        heard.length = 0;
        // Several workers notice at once.
        const others = [await connect(name), await connect(name)];
        await Promise.all([ticks, ...others].map((each) => each.reconcile([...wanted, ticking])));
        expect(await ids(ticks)).toEqual([...wanted, ticking].map(({ id }) => id).sort());
        await expect.poll(() => heard, { timeout: 30_000 }).toContain('ticking');
        await ticks.remove('ticking');
        await expect.poll(() => ticks.counts()).toEqual({ waiting: 0, active: 0, delayed: 20 });
      });

      test('a scheduler whose tick was lost, or comes at the wrong time, is mended', async () => {
        const name = fresh();
        const ticks = await connect(name);
        await ticks.upsert(hourly('s'));
        await lose(`${name}-ticks`, 's');
        expect((await ticks.list())[0]?.next?.getTime()).toBe(1);
        expect(await ticks.reconcile([hourly('s')])).toEqual(['s']);
        expect((await ticks.list())[0]?.next?.getTime()).toBeGreaterThan(Date.now());
      });

      test('a tick asked for reaches the consumer once, besides those of cron', async () => {
        const ticks = await connect(fresh());
        for (let i = 0; i < 10; i++) expect(await ticks.tick('s')).toBe(true);
        expect(await ticks.counts()).toEqual({ waiting: 1, active: 0, delayed: 0 });
        const heard: string[] = [];
        ticks.consume(async (id) => void heard.push(id));
        await expect.poll(() => ticks.counts()).toEqual({ waiting: 0, active: 0, delayed: 0 });
        expect(heard).toEqual(['s']);
        await ticks.tick('s');
        await expect.poll(() => heard).toEqual(['s', 's']);
      });
    },
  );
}
