// Every failpoint of the catalogue: the process that passes it is killed, meets an error or a full disk, loses its database connections or
// its queue, is frozen past its lease. Whatever happens, what was asked for is done, and every promise holds.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Failpoint, type Fault, failpoints } from '@errata/failpoints';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultStack, shortLeaseMs, startFaultStack, until, untilStopped } from '../support/fault-stack.ts';
import { parentOf } from '../support/processes.ts';
import { violations } from '../support/promises.ts';
import { type Crew, keepCrew } from './crew.fixture.ts';
import { deeds, pathOf } from './deeds.fixture.ts';
import { type PrivateRedis, privateRedis, redisServer } from './redis.fixture.ts';

const queues = ['PostgreSQL', 'Redis'] as const;
type Queue = (typeof queues)[number];

interface Site {
  readonly queue: Queue;
  readonly stack: FaultStack;
  readonly crew: Crew;
  readonly redis: PrivateRedis | undefined;
}

/** How long the server lets a frozen process keep its transaction, in ms. */
const frozenMs = 2_000;

async function openSite(queue: Queue): Promise<Site> {
  const redis = queue === 'Redis' ? await privateRedis() : undefined;
  const stack = await startFaultStack({ leaseMs: shortLeaseMs, frozenMs, queueUrl: redis?.url ?? null });
  return { queue, stack, redis, crew: keepCrew(stack, 2) };
}

// Two at a time, each with a database, a queue and workers of its own.
const absent = redisServer === undefined;
const sites: Site[] = [];
const free: Site[] = [];
beforeAll(async () => {
  sites.push(...(await Promise.all([openSite('PostgreSQL'), openSite(absent ? 'PostgreSQL' : 'Redis')])));
  free.push(...sites);
}, 600_000);
afterAll(() =>
  Promise.all(
    sites.map(async ({ stack, crew, redis }) => {
      crew.dismiss();
      await stack.close();
      await redis?.stop();
    }),
  ),
);

const waiting: { readonly queue: Queue; readonly enter: (site: Site) => void }[] = [];

/** Runs `work` where nobody else works meanwhile; first come, first served. */
async function onSite(queue: Queue, work: (site: Site) => Promise<void>): Promise<void> {
  const at = free.findIndex((site) => site.queue === queue);
  const site =
    free.splice(at, at < 0 ? 0 : 1)[0] ?? (await new Promise<Site>((enter) => waiting.push({ queue, enter })));
  try {
    await work(site);
  } finally {
    const next = waiting.findIndex((each) => each.queue === site.queue);
    if (next < 0) free.push(site);
    else waiting.splice(next, 1)[0]!.enter(site);
  }
}

const faultOf = {
  killed: 'kill',
  'an error': 'error',
  'connections lost': 'stop',
  frozen: 'stop',
  'disk full': 'full',
  'a short write': 'short',
  'Redis flushed': 'stop',
  'Redis restarted': 'stop',
} as const satisfies Record<string, Fault>;
type Harm = keyof typeof faultOf;

const everywhere: readonly Harm[] = ['an error', 'connections lost', 'frozen'];
const harmsBesidesDeath = (place: Failpoint, queue: Queue): readonly Harm[] => [
  ...(queue === 'Redis' ? (['Redis flushed', 'Redis restarted'] as const) : []),
  ...everywhere,
  ...(place.startsWith('blob.') ? (['disk full'] as const) : []),
  ...(place === 'blob.write' ? (['a short write'] as const) : []),
];

const all = process.env.ERRATA_FAULTS === 'all';

/** At each place a process is killed, and one other harm befalls it, by turns; `ERRATA_FAULTS=all` does all of them everywhere, on both kinds of queue. */
const cases = failpoints.flatMap((place, index) => {
  const here = absent ? ['PostgreSQL' as const] : all ? queues : [queues[index % 2]!];
  return here.map((queue) => {
    const others = harmsBesidesDeath(place, queue);
    // What only places of the blob store know has its turn where bytes are written.
    const turn = /^blob\..*write$/.test(place) ? others.at(-1)! : others[Math.floor(index / 2) % others.length]!;
    return [place, queue, ['killed', ...(all ? others : [turn])]] as const;
  });
});

/** Does the deed with the fault in its way, and says when it met it. */
async function harm(site: Site, place: Failpoint, kind: Harm): Promise<void> {
  const { stack } = site;
  const branch = place.replaceAll(/[^a-z]+/g, '-');
  const act = await deeds[pathOf(place)](stack, branch, `${place} ${kind}`);
  const refusals = await fullDisks(stack);
  const fault = await stack.arm(place, faultOf[kind]);
  let over = false;
  const done = act().finally(() => {
    over = true;
  });
  done.catch(() => {}); // looked at below
  await until(`${place} is passed`, async () => (await fault.taken()) !== null || over);
  if ((await fault.taken()) === null) {
    await done;
    // What a worker does after a job, such as giving its lane back, comes a moment later.
    await until(`${place} is passed after all`, async () => (await fault.taken()) !== null);
  }
  const victim = await fault.taken();
  if (victim !== null && faultOf[kind] === 'stop') {
    await untilStopped(victim);
    await whileStopped(site, kind, victim, done);
    process.kill(victim, 'SIGCONT');
  }
  await done;
  // It was told of, and the job was tried again.
  if (kind === 'disk full') expect(await fullDisks(stack)).toBeGreaterThan(refusals);
}

async function whileStopped({ stack, crew, redis }: Site, kind: Harm, victim: number, done: Promise<void>) {
  if (kind === 'connections lost') return stack.cutConnections();
  if (kind === 'Redis flushed') return redis?.flush();
  if (kind === 'Redis restarted') return redis?.restart();
  // An engine holds no lease: its worker, which asked it, is frozen with it.
  const pids = [victim, await parentOf(victim)];
  const worker = [...crew.workers].find(({ pid }) => pids.includes(pid));
  // A client is waited for: as long as the server waits for it, and longer.
  if (worker === undefined) return sleep(frozenMs + 500);
  worker.signal('SIGSTOP');
  await done.catch(() => {});
  worker.signal('SIGCONT');
}

/** Attempts that failed for want of space. */
const fullDisks = async ({ query }: FaultStack) =>
  (await query(`SELECT 1 FROM events WHERE type = 'queued' AND data->'error'->>'code' = 'storage_full'`)).length;

async function expectPromises({ stack }: Site): Promise<void> {
  const witness = { acknowledged: stack.acknowledged.jobs, delivered: stack.acknowledged.inbox, settled: true };
  expect(violations(await stack.history(), witness)).toEqual([]);
}

describe.concurrent(`at each failpoint${absent ? ' (Redis skipped: no redis-server found)' : ''}`, () => {
  test.each(cases)('%s, queue on %s: %j', { timeout: 600_000 }, (place, queue, kinds) =>
    onSite(queue, async (site) => {
      for (const kind of kinds) await harm(site, place, kind);
      await expectPromises(site);
    }),
  );
});
