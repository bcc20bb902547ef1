// The clock of schedules: every worker runs what is due by the rows, and sleeps until something is due next.
import { msUntilDue, runDueSchedules } from '@errata/lineage';
import type { WorkerContext } from '../context.ts';
import { type Repeated, repeat } from './repeat.ts';

type Needs = Pick<WorkerContext, 'settings' | 'lineage' | 'dispatch' | 'metrics' | 'log' | 'draining'>;

/** Runs what is due, of one branch or of all, and wakes the lanes of the jobs that come of it. Answers as {@link runDueSchedules}. */
export const runDue = ({ lineage, dispatch, metrics, log, draining }: Needs, branchId?: string): Promise<Date> =>
  runDueSchedules(lineage, {
    branchId,
    stopped: draining,
    onRun: async ({ id, schedule_id, outcome, reason, trigger, job_id, counts, error }, lane) => {
      metrics.scheduleRan(outcome);
      const line = { schedule: schedule_id, run: id, outcome, reason, trigger, job: job_id, counts, error };
      if (outcome === 'failed') log.warn(line, 'schedule could not submit');
      else log.info(line, 'schedule ran');
      if (lane !== null) await dispatch.wake(lane);
    },
    onFailure: (schedule, error) => log.warn({ schedule, error }, 'a schedule could not be run'),
  });

/** Looks at once, and then whenever something is due; `reconcileMs` after each look at the latest, since schedules are made meanwhile. */
export const startClock = (context: Needs): Repeated =>
  repeat(async () => {
    const { lineage, settings, log } = context;
    try {
      return await msUntilDue(lineage, await runDue(context), settings.reconcileMs);
    } catch (error) {
      log.warn({ error }, 'could not look for schedules that are due');
      return settings.reconcileMs;
    }
  });
