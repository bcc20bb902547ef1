// What dispatch promises, on each backend: the same tests over Redis and PostgreSQL.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/database.ts';
import { type Dispatch, type DispatchOptions, openDispatch } from './index.ts';

const database = await createTestDatabase();
const open = new Set<Dispatch>();
afterEach(async () => {
  const opened = [...open];
  // Where a handler of a test that failed goes on, the next is not to wait for it as well.
  open.clear();
  await Promise.all(opened.map((dispatch) => dispatch.close()));
});
afterAll(() => database.drop());

const redisUrl = inject('redisUrl');
const backends = [
  { backend: 'postgres', url: database.url },
  { backend: 'redis', url: redisUrl },
] as const;

/** Something to wait at until a test lets everybody through. */
function latch() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

let queues = 0;
const freshName = () => `conformance-${process.pid}-${queues++}`;

for (const { backend, url } of backends) {
  describe.skipIf(url === null)(
    `dispatch over ${backend}${url === null ? ' (skipped: no redis-server found)' : ''}`,
    () => {
      const connect = async (options: DispatchOptions & { name: string }) => {
        const dispatch = await openDispatch(url ?? '', options);
        open.add(dispatch);
        return dispatch;
      };

      test('a wake-up reaches the handler with its lane, whoever sent it', async () => {
        const name = freshName();
        const sender = await connect({ name });
        const receiver = await connect({ name });
        expect(receiver.backend).toBe(backend);
        const lanes: string[] = [];
        receiver.consume(async (lane) => void lanes.push(lane), { concurrency: 1 });
        expect(await sender.wake('branch:br_1')).toBe(true);
        expect(await sender.wake('import:atlas')).toBe(true);
        await expect.poll(() => lanes).toEqual(['branch:br_1', 'import:atlas']);
        await expect.poll(() => sender.counts()).toEqual({ waiting: 0, active: 0 });
      });

      test('while a wake-up waits, no second one is added for its lane', async () => {
        const dispatch = await connect({ name: freshName() });
        for (let i = 0; i < 20; i++) await dispatch.wake('branch:a');
        await Promise.all(Array.from({ length: 20 }, () => dispatch.wake('branch:b')));
        expect(await dispatch.counts()).toEqual({ waiting: 2, active: 0 });
        const lanes: string[] = [];
        dispatch.consume(async (lane) => void lanes.push(lane), { concurrency: 1 });
        await expect.poll(() => lanes).toEqual(['branch:a', 'branch:b']);
        await expect.poll(() => dispatch.counts()).toEqual({ waiting: 0, active: 0 });
        expect(lanes).toHaveLength(2);
      });

      test('of wake-ups that arrive while one for the same lane is handled, one waits, and goes to whoever is free', async () => {
        const dispatch = await connect({ name: freshName() });
        const log: string[] = [];
        const gates = [latch(), latch()];
        dispatch.consume(
          async () => {
            const run = log.filter((each) => each.startsWith('start')).length;
            log.push(`start ${run}`);
            await gates[run]!.opened;
            log.push(`end ${run}`);
          },
          { concurrency: 2 },
        );
        await dispatch.wake('branch:a');
        await expect.poll(() => log).toEqual(['start 0']);
        await dispatch.wake('branch:a');
        await expect.poll(() => log).toEqual(['start 0', 'start 1']);
        for (let i = 0; i < 5; i++) await dispatch.wake('branch:a');
        expect(await dispatch.counts()).toEqual({ waiting: 1, active: 2 });
        gates.push(latch());
        for (const gate of gates) gate.open();
        await expect.poll(() => log.toSorted()).toEqual(['end 0', 'end 1', 'end 2', 'start 0', 'start 1', 'start 2']);
        await expect.poll(() => dispatch.counts()).toEqual({ waiting: 0, active: 0 });
      });

      test('no request is lost: whatever was asked for before a wake-up is seen by a run that starts after it', async () => {
        const name = freshName();
        const lanes = ['branch:a', 'branch:b', 'branch:c'];
        const requested = new Map(lanes.map((lane) => [lane, 0]));
        const seen = new Map(lanes.map((lane) => [lane, 0]));
        const handler = async (lane: string) => {
          // As a worker looks at the start, and then takes its time.
          seen.set(lane, Math.max(seen.get(lane)!, requested.get(lane)!));
          await sleep(Math.random() * 4);
        };
        for (const concurrency of [1, 3]) (await connect({ name })).consume(handler, { concurrency });
        const senders = [await connect({ name }), await connect({ name })];
        for (let i = 0; i < 150; i++) {
          const lane = lanes[i % lanes.length]!;
          requested.set(lane, i + 1);
          const woken = senders[i % senders.length]!.wake(lane);
          if (i % 4 === 0) await woken;
          if (i % 10 === 0) await sleep(Math.random() * 8);
        }
        await expect.poll(() => Object.fromEntries(seen), { timeout: 20_000 }).toEqual(Object.fromEntries(requested));
      });

      test('wake-ups are handled side by side up to the concurrency', async () => {
        const dispatch = await connect({ name: freshName() });
        const gate = latch();
        const started: string[] = [];
        dispatch.consume(
          async (lane) => {
            started.push(lane);
            await gate.opened;
          },
          { concurrency: 2 },
        );
        for (const lane of ['a', 'b', 'c']) await dispatch.wake(lane);
        await expect.poll(() => started.toSorted()).toEqual(['a', 'b']);
        await expect.poll(() => dispatch.counts()).toEqual({ waiting: 1, active: 2 });
        gate.open();
        await expect.poll(() => started.toSorted()).toEqual(['a', 'b', 'c']);
      });

      test('a handler that throws is reported, and its lane can be woken again', async () => {
        const warnings: string[] = [];
        const dispatch = await connect({ name: freshName(), onWarning: ({ message }) => warnings.push(message) });
        let runs = 0;
        dispatch.consume(
          async () => {
            runs++;
            throw new Error('this lane cannot be worked');
          },
          { concurrency: 1 },
        );
        await dispatch.wake('branch:a');
        await expect.poll(() => warnings).toEqual(['lane branch:a: this lane cannot be worked']);
        await expect.poll(() => dispatch.counts()).toEqual({ waiting: 0, active: 0 });
        await dispatch.wake('branch:a');
        await expect.poll(() => runs).toBe(2);
      });

      test('a paused consumer finishes what it has and leaves the rest to others', async () => {
        const name = freshName();
        const [first, second] = [await connect({ name }), await connect({ name })];
        const gate = latch();
        const lanes = { first: [] as string[], second: [] as string[] };
        const consumer = first.consume(
          async (lane) => {
            lanes.first.push(lane);
            await gate.opened;
          },
          { concurrency: 2 },
        );
        await first.wake('a');
        await expect.poll(() => lanes.first).toEqual(['a']);
        await consumer.pause();
        for (const lane of ['b', 'c', 'd']) await first.wake(lane);
        second.consume(async (lane) => void lanes.second.push(lane), { concurrency: 1 });
        await expect.poll(() => lanes.second.toSorted()).toEqual(['b', 'c', 'd']);
        gate.open();
        await consumer.close();
        expect(lanes.first).toEqual(['a']);
        await expect.poll(() => first.counts()).toEqual({ waiting: 0, active: 0 });
      });

      test('a wake-up held by a process that dies goes to another, with those that came meanwhile', async () => {
        const name = freshName();
        const lockMs = 400;
        const dispatch = await connect({ name, lockMs });
        const script = `
        import { openDispatch } from ${JSON.stringify(pathToFileURL(`${import.meta.dirname}/index.ts`).href)};
        const dispatch = await openDispatch(process.env.QUEUE_URL, { name: ${JSON.stringify(name)}, lockMs: ${lockMs} });
        dispatch.consume(async () => { process.stdout.write('held'); await new Promise(() => {}); }, { concurrency: 1 });
        setInterval(() => {}, 1000);
      `;
        const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
          env: { ...process.env, QUEUE_URL: url ?? '' },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        try {
          await dispatch.wake('branch:a');
          await once(holder.stdout, 'data');
          await dispatch.wake('branch:a');
          holder.kill('SIGKILL');
          await once(holder, 'exit');
          let runs = 0;
          dispatch.consume(async () => void runs++, { concurrency: 1 });
          await expect.poll(() => runs, { timeout: 20_000 }).toBe(2);
          await expect.poll(() => dispatch.counts()).toEqual({ waiting: 0, active: 0 });
        } finally {
          holder.kill('SIGKILL');
        }
      });
    },
  );
}

test('server options in a postgres URL do not hide the queue', async () => {
  const url = new URL(database.url);
  url.searchParams.set('options', '-c statement_timeout=60000');
  const dispatch = await openDispatch(url.href, { name: freshName() });
  open.add(dispatch);
  expect(await dispatch.wake('branch:a')).toBe(true);
  expect(await dispatch.counts()).toEqual({ waiting: 1, active: 0 });
});

test('a server that is not there is named', async () => {
  for (const url of ['redis://127.0.0.1:1', 'postgres://nobody@127.0.0.1:1/none']) {
    await expect(openDispatch(url)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  }
});
