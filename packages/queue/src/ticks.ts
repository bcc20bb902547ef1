// Ticks: tell workers that a schedule may be due. When schedules are due stands in the database; the queue's job schedulers are made from that.
import { type Cron, failpoint, nextDue } from '@errata/contracts';
import type { IQueueBackend } from 'bullmq';
import { type Consumer, inTime, reasonOf, startConsumer, type Wiring } from './wiring.ts';

/** A schedule that ticks by cron. */
export interface CronSchedule extends Cron {
  readonly id: string;
}

export interface Ticks {
  /**
   * Asks for a look at a schedule that starts after this call, apart from its cron. Resolves to false when the queue could not be reached:
   * nothing is lost, since the reconciler looks too.
   */
  tick(scheduleId: string): Promise<boolean>;
  /** Makes the queue tick for a schedule, or tick as it does now. False as for {@link tick}. */
  upsert(schedule: CronSchedule): Promise<boolean>;
  /** Makes the queue tick no longer for a schedule. False as for {@link tick}. */
  remove(scheduleId: string): Promise<boolean>;
  /**
   * Makes the queue tick for exactly these schedules, each when it is due next: adds what is missing, mends what is different or has
   * stopped, removes strangers. Answers with the ids of those it changed. Throws when the queue cannot be reached.
   */
  reconcile(wanted: readonly CronSchedule[]): Promise<readonly string[]>;
  /** The schedules that the queue ticks for, and when next. */
  list(): Promise<readonly (CronSchedule & { readonly next: Date | null })[]>;
  /** Calls `handler` with the id of each schedule that ticks, one at a time. It decides what is due: a tick may come late, early, or twice. */
  consume(handler: (scheduleId: string) => Promise<void>): Consumer;
  counts(): Promise<{ readonly waiting: number; readonly active: number; readonly delayed: number }>;
  close(): Promise<void>;
}

interface Tick {
  readonly schedule: string;
}

/** A tick that is overdue by so much will not come any more: a worker that lives takes it at once. */
const stoppedAfterMs = 60_000;

const gone = { removeOnComplete: true, removeOnFail: true } as const;

/** Opens the queue of ticks beside the one of wake-ups. */
export async function openTicks<B extends IQueueBackend, C>(wiring: Wiring<B, C>, name: string): Promise<Ticks> {
  const { classes, producer, alone, warn } = wiring;
  const queue = new classes.Queue<Tick>(name, { connection: producer, streams: { events: { maxLen: 100 } } });
  queue.on('error', (error: Error) => warn('connection', error.message));
  try {
    await queue.waitUntilReady();
  } catch (error) {
    await queue.close().catch(() => {});
    throw error;
  }

  // The jobs of a scheduler are not deduplicated: one that were dropped as a duplicate would be the scheduler's last.
  const set = ({ id, pattern, time_zone }: CronSchedule) =>
    alone(async () => {
      await failpoint('tick.before_set');
      await queue.upsertJobScheduler(
        id,
        { pattern, tz: time_zone },
        { name: 'tick', data: { schedule: id }, opts: { ...gone } },
      );
      await failpoint('tick.after_set');
    });
  const unset = (id: string) => alone(() => queue.removeJobScheduler(id));
  const list: Ticks['list'] = async () =>
    (await queue.getJobSchedulers()).map(({ key, pattern = '', tz = '', next }) => ({
      id: key,
      pattern,
      time_zone: tz,
      next: next === undefined ? null : new Date(next),
    }));
  const failed = (id: string, what: string) => (reason: string) =>
    warn('connection', `schedule ${id} could not be ${what}: ${reason}`);

  return {
    tick: (id) => {
      const options = { deduplication: { id, keepLastIfActive: true }, ...gone };
      return inTime(queue.add('tick', { schedule: id }, options), failed(id, 'ticked'));
    },
    upsert: (schedule) => inTime(set(schedule), failed(schedule.id, 'set')),
    remove: (id) => inTime(unset(id), failed(id, 'removed')),
    list,
    reconcile: async (wanted) => {
      const present = new Map((await list()).map((scheduler) => [scheduler.id, scheduler]));
      const now = new Date();
      const ticksRightly = (schedule: CronSchedule) => {
        const known = present.get(schedule.id);
        if (known?.pattern !== schedule.pattern || known.time_zone !== schedule.time_zone || known.next === null)
          return false;
        const overdue = now.getTime() - known.next.getTime();
        // It is about to be taken, or it is the one that comes next by our own reading.
        return overdue >= 0 ? overdue < stoppedAfterMs : known.next.getTime() === nextDue(schedule, now)?.getTime();
      };
      const wrong = wanted.filter((schedule) => !ticksRightly(schedule));
      for (const { id } of wanted) present.delete(id);
      const changed: string[] = [];
      const mend = async (id: string, work: () => Promise<unknown>) => {
        try {
          await work();
          changed.push(id);
        } catch (error) {
          // The next time: others must not wait for it.
          failed(id, 'set')(reasonOf(error));
        }
      };
      for (const schedule of wrong) await mend(schedule.id, () => set(schedule));
      for (const id of present.keys()) await mend(id, () => unset(id));
      return changed;
    },
    consume: (handler) =>
      startConsumer<Tick, B, C>(wiring, name, ({ schedule }) => handler(schedule), {
        concurrency: 1,
        label: ({ schedule }) => `schedule ${schedule}`,
      }),
    counts: async () => {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed');
      return { waiting: counts.waiting ?? 0, active: counts.active ?? 0, delayed: counts.delayed ?? 0 };
    },
    close: () => queue.close(),
  };
}
