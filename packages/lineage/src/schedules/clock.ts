// When schedules run: whatever is due by the rows is decided, by whoever looks, and everybody knows how long there is to sleep.
import { ErrataError, type ScheduleRun } from '@errata/contracts';
import type { Lineage } from '../database/client.ts';
import { runSchedule } from './run.ts';
import { openStates } from './schedules.ts';

/**
 * Schedules with something to decide: a tick is due, when the next one is stands nowhere, one that was buffered can run now, or enough
 * edits wait and its latest job has ended.
 * With a branch, only the schedules of this branch. Those that somebody is deciding at this moment are left to them.
 */
export async function schedulesToRun(db: Lineage, branchId: string | null = null): Promise<readonly string[]> {
  const rows = await db.prisma.$queryRaw<{ id: string }[]>`
    SELECT schedules.id FROM schedules
    JOIN branches ON branches.id = schedules.branch_id
    CROSS JOIN LATERAL (SELECT coalesce((
      SELECT jobs.state = ANY(${[...openStates]}) FROM schedule_runs JOIN jobs ON jobs.id = schedule_runs.job_id
      WHERE schedule_runs.schedule_id = schedules.id AND schedule_runs.job_id IS NOT NULL
      ORDER BY schedule_runs.started_at DESC, schedule_runs.id DESC LIMIT 1), false) AS open) AS latest
    WHERE schedules.deleted_at IS NULL AND schedules.paused_at IS NULL AND branches.deleted_at IS NULL
      AND (${branchId}::text IS NULL OR schedules.branch_id = ${branchId})
      AND (schedules.next_due_at <= clock_timestamp()
        OR schedules.cron IS NOT NULL AND schedules.next_due_at IS NULL
        OR schedules.buffered_due_at IS NOT NULL AND NOT latest.open
        OR schedules.when_pending IS NOT NULL AND NOT latest.open
          AND coalesce(schedules.not_before, '-infinity') <= clock_timestamp()
          AND schedules.when_pending <= (
            SELECT count(*) FROM (
              SELECT FROM inbox_edits
              WHERE inbox_edits.branch_id = schedules.branch_id AND inbox_edits.state = 'pending'
              LIMIT schedules.when_pending) AS waiting))
    ORDER BY schedules.id
    FOR SHARE OF schedules SKIP LOCKED`;
  return rows.map(({ id }) => id);
}

export interface Decisions {
  /** With a branch, only its schedules. */
  readonly branchId?: string | undefined;
  /** True from the moment on at which nothing more is to be decided. */
  readonly stopped?: () => boolean;
  /** Told of each run; `lane` is to be woken when it submitted a job. */
  readonly onRun: (run: ScheduleRun, lane: string | null) => Promise<void>;
  /** Told of what could not be decided; it is still due, and keeps no other schedule from running. */
  readonly onFailure: (scheduleId: string, error: unknown) => void;
}

/**
 * Decides whatever is due, once, however many do so at the same time. Answers with the moment up to which everything has been seen to, by
 * the database's clock. Throws when the database cannot be asked what is due.
 */
export async function runDueSchedules(
  db: Lineage,
  { branchId, stopped = () => false, onRun, onFailure }: Decisions,
): Promise<Date> {
  const [begun] = await db.prisma.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`;
  for (const id of await schedulesToRun(db, branchId)) {
    if (stopped()) break;
    try {
      const tick = await runSchedule(db, id);
      if (tick.kind === 'ran') await onRun(tick.run, tick.lane);
    } catch (error) {
      // It was deleted meanwhile.
      if (!(error instanceof ErrataError) || error.code !== 'unknown_schedule') onFailure(id, error);
    }
  }
  return begun!.now;
}

/** How long there is to sleep, `atMost` so many ms, until another schedule is due by its time, of those that were not by `since`. */
export async function msUntilDue(db: Lineage, since: Date, atMost: number): Promise<number> {
  const [row] = await db.prisma.$queryRaw<{ ms: number }[]>`
    SELECT greatest(0, least(${atMost}::float8, (extract(epoch FROM min(at) - clock_timestamp()) * 1000)::float8)) AS ms
    FROM schedules CROSS JOIN LATERAL (VALUES (next_due_at), (not_before)) AS times(at)
    WHERE deleted_at IS NULL AND paused_at IS NULL AND at > ${since}::timestamptz`;
  return Math.ceil(row!.ms);
}
