// One round of kill points: a service with a database of its own is kept busy while its processes are killed, then lets everything end and
// is held against the promises.
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoints } from '@errata/failpoints';
import { maxAttempts } from '@errata/lineage';
import { uniform } from '@errata/models';
import { type ArmedFault, startFaultStack } from '../support/fault-stack.ts';
import { childrenOf } from '../support/processes.ts';
import { violations } from '../support/promises.ts';
import { type Crew, keepCrew } from './crew.fixture.ts';
import { deeds, type Path, pathOf, resetAndRepeat, UnexpectedEnd } from './deeds.fixture.ts';
import { type PrivateRedis, privateRedis, redisServer } from './redis.fixture.ts';
import { servedDigests } from './served.ts';

export interface Round {
  readonly round: number;
  readonly seed: string;
  readonly queue: 'redis' | 'postgres';
  readonly points: number;
  /** How often what was killed, and where. */
  readonly killed: Readonly<Record<string, number>>;
  /** Places that were armed and that nobody passed; a kill at a random moment took their place. */
  readonly missed: Readonly<Record<string, number>>;
  readonly jobs: number;
  /** Requests made once more upon the version that they were made upon first. */
  readonly repeated: number;
  /** Deeds of which a job was killed as often as a job is tried; it says that it failed. */
  readonly givenUp: number;
  /** Versions whose weights were read twice, by way of snapshots and from every delta. */
  readonly served: number;
  /** Promises broken, and deeds that did not end as they should. */
  readonly violations: readonly { readonly promise: string; readonly what: string }[];
  readonly seconds: number;
}

export interface RoundSettings {
  readonly seed: number;
  readonly round: number;
  readonly points: number;
  readonly postgresUrl: string;
}

/** Long enough that nobody who lives loses a lease on a machine that is used by many; while that of a dead one runs out, other deeds go on. */
const leaseMs = 8_000;
const deedsAtOnce = 4;
const versionsRead = 20;
/** The share of kills at failpoints; the others come at random moments, at most so many ms after something was begun. */
const atPlaces = 0.65;
const longestMs = 800;

/** Deeds that need a branch of their own kind; the others share two. */
const branchOf: Partial<Record<Path, string>> = {
  inbox: 'scheduled',
  schedule: 'scheduled',
  alias: 'served',
};

/** A candidate that waits for an approval is rejected once its branch has moved: each has a branch to itself. */
const approvals: readonly Path[] = ['approval', 'approve'];
/** Passed more than once in every deed. */
const passedOften: readonly Path[] = ['blob', 'lease', 'take', 'transition'];
/** Passed by resets and by what is done again after them, too. */
const repeatable: readonly Path[] = ['rollback', 'commit'];

/** Keeps the branches busy while workers, engines and clients are killed, at failpoints and at random moments. */
export async function runRound({ seed, round, points, postgresUrl }: RoundSettings): Promise<Round> {
  const started = performance.now();
  const next = uniform(seed, round);
  // Every second round, so that both kinds of queue are met where both are to be had.
  const redis = round % 2 === 1 && redisServer !== undefined ? await privateRedis() : undefined;
  const stack = await startFaultStack({ leaseMs, postgresUrl, queueUrl: redis?.url ?? null });
  const crew = keepCrew(stack, 2);
  const killed: Record<string, number> = {};
  const missed: Record<string, number> = {};
  const unmet: { promise: string; what: string }[] = [];
  const open = new Set<Promise<void>>();
  let repeated = 0;
  let givenUp = 0;
  const count = (counts: Record<string, number>, where: string) => {
    counts[where] = (counts[where] ?? 0) + 1;
  };

  try {
    for (let point = 0; point < points; point++) {
      const name = `${seed}.${round}.${point}`;
      const [at, which, side, moment, wait] = [next(), next(), next(), next(), next()];
      const place = failpoints[Math.floor(at * failpoints.length)]!;
      const path = pathOf(place);
      const repeats = repeatable.includes(path) && place !== 'rollback.after_step' && which < 0.5;
      if (repeats) repeated += 1;
      const shared = branchOf[path] ?? (side < 0.5 ? 'left' : 'right');
      const branch = repeats ? 'again' : approvals.includes(path) ? `guarded-${point}` : shared;
      const note = (error: unknown) => {
        if (error instanceof UnexpectedEnd && error.job.attempts >= maxAttempts) givenUp += 1;
        else unmet.push({ promise: 'what was asked', what: `${name}: ${error}` });
      };
      while (open.size >= deedsAtOnce) await Promise.race(open);
      const act = await (repeats ? resetAndRepeat : deeds[path])(stack, branch, name).catch(note);
      if (act === undefined) continue;

      const hit = passedOften.includes(path) && which < 0.5 ? 2 : 1;
      const fault = moment < atPlaces ? await stack.arm(place, `kill:${hit}`) : undefined;
      let over = false;
      const done = act()
        .catch(note)
        .finally(() => {
          over = true;
          open.delete(done);
        });
      open.add(done);
      if (fault !== undefined) {
        if (await isTaken(fault, () => over)) {
          count(killed, place);
          continue;
        }
        count(missed, place);
      }
      count(killed, await killAtRandom(crew, which, fault === undefined ? wait : 0, redis));
    }
    await Promise.all(open);
    for (const id of stack.acknowledged.jobs) await stack.finished(id);
    const history = await stack.history();
    const versions = sample(
      history.versions.map(({ id }) => id),
      versionsRead,
      next,
    );
    const witness = {
      acknowledged: stack.acknowledged.jobs,
      delivered: stack.acknowledged.inbox,
      settled: true,
      served: await servedDigests(stack, versions),
    };
    return {
      round,
      seed: `${seed}.${round}`,
      queue: redis === undefined ? 'postgres' : 'redis',
      points: Object.values(killed).reduce((sum, times) => sum + times, 0),
      killed,
      missed,
      jobs: history.jobs.length,
      repeated,
      givenUp,
      served: versions.length,
      violations: [...violations(history, witness), ...unmet],
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    crew.dismiss();
    await stack.close();
    await redis?.stop();
  }
}

/** Waits until somebody has passed the place; false, and nothing is armed any more, once nobody will. */
async function isTaken(fault: ArmedFault, isOver: () => boolean): Promise<boolean> {
  // What a worker does after a job, such as giving its lane back, comes a moment later.
  for (let left = 50; left > 0; ) {
    if ((await fault.taken()) !== null) return true;
    if (isOver()) left -= 1;
    await sleep(20);
  }
  await fault.disarm();
  return (await fault.taken()) !== null;
}

/** Kills a worker or its engine after a while, a part of `longestMs`; at times its queue forgets everything in the same moment. */
async function killAtRandom(crew: Crew, which: number, part: number, redis: PrivateRedis | undefined): Promise<string> {
  await crew.oneReady();
  await sleep(part * longestMs);
  const workers = [...crew.workers];
  const worker = workers[Math.floor(which * workers.length)]!;
  const flushes = redis !== undefined && part < 0.3;
  if (flushes) await redis.flush();
  const [engine] = part < 0.5 ? await childrenOf(worker.pid) : [];
  if (engine === undefined) {
    worker.signal('SIGKILL');
    await worker.exited;
  } else process.kill(engine.pid, 'SIGKILL');
  return `${engine === undefined ? 'a worker' : 'an engine'}, at a random moment${flushes ? ', with its queue' : ''}`;
}

/** Some of the items, at most `size`. */
function sample<T>(items: readonly T[], size: number, next: () => number): readonly T[] {
  const left = [...items];
  return Array.from(
    { length: Math.min(size, left.length) },
    () => left.splice(Math.floor(next() * left.length), 1)[0]!,
  );
}
