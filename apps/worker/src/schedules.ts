// Schedules in a worker: answers ticks by deciding what is due, and tells the queue when to tick.
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrataError } from '@errata/contracts';
import { cronSchedules, runSchedule, schedulesToRun } from '@errata/lineage';
import type { WorkerContext } from './context.ts';

// A tick that comes before its time, by the database's clock, waits for it when it is no further away than this.
const earlyMs = 2_000;

/** Decides what is due of a schedule, and wakes the branch when that is a batch. Throws what the reconciler will try again. */
export async function answerTick(
  { lineage, dispatch, metrics, log, draining }: WorkerContext,
  scheduleId: string,
): Promise<void> {
  for (let patience = 2; patience > 0 && !draining(); patience--) {
    const tick = await decide();
    if (tick === null || tick.kind === 'buffered') return;
    if (tick.kind === 'not_due') {
      if (tick.in_ms === null || tick.in_ms <= 0 || tick.in_ms > earlyMs) return;
      await sleep(tick.in_ms + 1);
      continue;
    }
    const { id, outcome, reason, trigger, job_id, counts, error } = tick.run;
    metrics.scheduleRan(outcome);
    const line = { schedule: scheduleId, run: id, outcome, reason, trigger, job: job_id, counts, error };
    if (outcome === 'failed') log.warn(line, 'schedule could not submit');
    else log.info(line, 'schedule ran');
    if (tick.lane !== null) await dispatch.wake(tick.lane);
    return;
  }

  async function decide() {
    try {
      return await runSchedule(lineage, scheduleId);
    } catch (error) {
      // It was deleted after its tick was sent.
      if (error instanceof ErrataError && error.code === 'unknown_schedule') return null;
      throw error;
    }
  }
}

/** Ticks for whatever the rows say is due, of one branch or of all: lost ticks are found here. Answers with how many the queue took. */
export async function tickDue(
  { lineage, ticks }: Pick<WorkerContext, 'lineage' | 'ticks'>,
  branchId?: string,
): Promise<number> {
  const due = await schedulesToRun(lineage, branchId);
  let ticked = 0;
  // A queue that does not take one would not take the others: they are looked at again.
  for (const id of due) {
    if (!(await ticks.tick(id))) break;
    ticked++;
  }
  return ticked;
}

/** Makes the queue tick as the rows say; answers with the schedules it had wrong. */
export async function mendTicks({
  lineage,
  ticks,
}: Pick<WorkerContext, 'lineage' | 'ticks'>): Promise<readonly string[]> {
  return ticks.reconcile(await cronSchedules(lineage));
}
