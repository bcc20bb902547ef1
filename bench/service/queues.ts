// What both queues do in a second: wake-ups sent and handled, beside bare BullMQ on the same server.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer, startRedis } from '@errata/local-services';
import { openDispatch } from '@errata/queue';
import { median } from '../median.ts';

/** The very copy that our queue is made of. */
const bullmq = createRequire(new URL('../../packages/queue/package.json', import.meta.url))('bullmq');

const perRound = 1_000;
/** Sent at once, and handled at once. */
const atOnce = 8;

interface Rates {
  readonly sent: number;
  readonly again: number | null;
  readonly handled: number;
}

/** Of a queue that is empty: how many it takes in and hands out in a second. */
interface Measured {
  send(n: number): Promise<unknown>;
  /** Whether what waits already is there to be sent again, and changes nothing. */
  readonly again: boolean;
  /** Resolves when so many have been handled. */
  handle(count: number): Promise<void>;
}

export async function compareQueues(postgresUrl: string, rounds: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'errata-bench-redis-'));
  const binary = await findRedisServer();
  const redis = binary === undefined ? undefined : await startRedis({ binary, dataDir });
  try {
    console.log(`\n${perRound} wake-ups of as many lanes, ${atOnce} at once, ${rounds} rounds; medians, a second`);
    console.log('| queue | sent | sent again while they wait | handled |\n|---|---|---|---|');
    const urls = { ...(redis === undefined ? {} : { Redis: redis.url }), PostgreSQL: postgresUrl };
    for (const [server, url] of Object.entries(urls)) {
      const opened = {
        [`bare BullMQ on ${server}`]: await openBare(server, url),
        [`ours on ${server}`]: await openOurs(url),
      };
      const found = new Map<string, Rates[]>(Object.keys(opened).map((name) => [name, []]));
      for (let round = 0; round < rounds; round++)
        for (const [name, { queue }] of Object.entries(opened)) found.get(name)!.push(await measure(queue));
      for (const [name, rates] of found) {
        const of = (what: keyof Rates) => {
          const values = rates.flatMap((each) => each[what] ?? []);
          return values.length === 0 ? '' : median(values).toFixed(0);
        };
        console.log(`| ${name} | ${of('sent')} | ${of('again')} | ${of('handled')} |`);
      }
      for (const { close } of Object.values(opened)) await close();
    }
  } finally {
    await redis?.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measure(queue: Measured): Promise<Rates> {
  const rate = async (work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    return (perRound / (performance.now() - began)) * 1000;
  };
  const send = async () => {
    let next = 0;
    const one = async () => {
      while (next < perRound) await queue.send(next++);
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  };
  const sent = await rate(send);
  const again = queue.again ? await rate(send) : null;
  return { sent, again, handled: await rate(() => queue.handle(perRound)) };
}

async function openOurs(url: string) {
  const dispatch = await openDispatch(url, { name: 'bench-ours' });
  const queue: Measured = {
    again: true,
    send: (n) => dispatch.wake(`lane-${n}`),
    handle: async (count) => {
      const { done, one } = counting(count);
      const consumer = dispatch.consume(one, { concurrency: atOnce });
      await done;
      await consumer.close();
    },
  };
  return { queue, close: () => dispatch.close() };
}

async function openBare(server: string, url: string) {
  const backend = server === 'Redis' ? bullmq.createRedisBackend : bullmq.createPostgresBackend;
  const { Queue, Worker } = bullmq.withBackend(backend);
  const connection =
    server === 'Redis'
      ? { path: new URL(url).pathname, maxRetriesPerRequest: null }
      : { connectionString: url, max: 3, migrate: true };
  const bare = new Queue('bench-bare', { connection });
  await bare.waitUntilReady();
  const queue: Measured = {
    again: false,
    send: (n) => bare.add('wake', { lane: `lane-${n}` }, { removeOnComplete: true }),
    handle: async (count) => {
      const { done, one } = counting(count);
      const worker = new Worker('bench-bare', one, { connection, concurrency: atOnce });
      await done;
      await worker.close();
    },
  };
  return { queue, close: () => bare.close() as Promise<void> };
}

function counting(count: number) {
  let left = count;
  let resolve = () => {};
  const done = new Promise<void>((resolved) => {
    resolve = resolved;
  });
  const one = async () => {
    left -= 1;
    if (left === 0) resolve();
  };
  return { done, one };
}
