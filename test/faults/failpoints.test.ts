// Every failpoint of the catalogue: the process that passes it is killed, meets an error, loses its database connections, is frozen
// past its lease. Whatever happens, what was asked for is done, and every promise holds.
import { type Failpoint, type Fault, failpoints } from '@errata/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Crew, keepCrew } from './crew.ts';
import { deeds, pathOf } from './deeds.ts';
import { violations } from './promises.ts';
import { type FaultStack, shortLeaseMs, startFaultStack, until, untilStopped } from './stack.ts';

interface Site {
  readonly stack: FaultStack;
  readonly crew: Crew;
}

// Two at a time, each with a database and workers of its own.
const sites: Site[] = [];
beforeAll(async () => {
  const settings = { leaseMs: shortLeaseMs, frozenMs: 2_000 };
  const stacks = await Promise.all([startFaultStack(settings), startFaultStack(settings)]);
  sites.push(...stacks.map((stack) => ({ stack, crew: keepCrew(stack, 2) })));
}, 240_000);
afterAll(() =>
  Promise.all(
    sites.map(({ stack, crew }) => {
      crew.dismiss();
      return stack.close();
    }),
  ),
);

const free: Site[] = [];
const waiting: ((site: Site) => void)[] = [];
beforeAll(() => void free.push(...sites));

/** Runs `work` where nobody else works meanwhile; first come, first served. */
async function onSite(work: (site: Site) => Promise<void>): Promise<void> {
  const site = free.pop() ?? (await new Promise<Site>((resolve) => waiting.push(resolve)));
  try {
    await work(site);
  } finally {
    const next = waiting.shift();
    if (next === undefined) free.push(site);
    else next(site);
  }
}

const harms = ['killed', 'an error', 'connections lost', 'frozen'] as const;
type Harm = (typeof harms)[number];

/** Every process is killed; the other harms take turns, unless `ERRATA_FAULTS=all` asks for all of them everywhere. */
const harmsOf = (index: number): readonly Harm[] =>
  process.env.ERRATA_FAULTS === 'all' ? harms : ['killed', harms[1 + (index % 3)]!];

const faultOf: Readonly<Record<Harm, Fault>> = {
  killed: 'kill',
  'an error': 'error',
  'connections lost': 'stop',
  frozen: 'stop',
};

/** Does the deed with the fault in its way, and says when it met it. */
async function harm({ stack, crew }: Site, place: Failpoint, kind: Harm): Promise<void> {
  await crew.complete();
  const branch = place.replaceAll(/[^a-z]+/g, '-');
  const act = await deeds[pathOf(place)!](stack, branch, `${place} ${kind}`);
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
    if (kind === 'connections lost') await stack.cutConnections();
    // An engine holds no lease, and a client is waited for: neither is done without.
    else if ([...crew.workers].some(({ pid }) => pid === victim)) await done.catch(() => {});
    process.kill(victim, 'SIGCONT');
  }
  await done;
}

async function expectPromises({ stack }: Site): Promise<void> {
  const witness = { acknowledged: stack.acknowledged.jobs, delivered: stack.acknowledged.inbox, settled: true };
  expect(violations(await stack.history(), witness)).toEqual([]);
}

describe.concurrent('at each failpoint', () => {
  test.each(
    failpoints.filter((place) => pathOf(place) !== undefined).map((place, index) => [place, harmsOf(index)] as const),
  )('%s: %j', { timeout: 600_000 }, (place, kinds) =>
    onSite(async (site) => {
      for (const kind of kinds) await harm(site, place, kind);
      await expectPromises(site);
    }),
  );
});
