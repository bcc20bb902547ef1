// The budget of a schedule: how many edits its next run may take, by what its runs of the day have taken and how long edits took lately.
import type { ScheduleBudget } from '@errata/contracts';
import type { Tx } from '../database/client.ts';
import { Prisma, type Schedule as ScheduleRow } from '../generated/client.ts';

/** Edits that a run's job was given, without those of which it has found that they hold already. */
const editsMade = Prisma.sql`((counts ->> 'drawn')::integer - coalesce((jobs.summary ->> 'already_holds')::integer, 0))`;

/** Jobs that tell how long an edit takes. */
const recentJobs = 10;

/**
 * Edits that a run may take now; 0 when the day's budget is used up, Infinity without one. A day is a calendar day of the schedule's time
 * zone. Minutes are judged by the last {@link recentJobs} jobs of the schedule that made an edit; before there are any, only edits are
 * counted. Edits that turned out to hold already were not made: they use up none of either.
 */
export async function budgetOf(
  tx: Tx,
  schedule: Pick<ScheduleRow, 'id' | 'timeZone'>,
  budget: ScheduleBudget,
  now: Date,
): Promise<number> {
  const { edits_per_day, minutes_per_run, minutes_per_day } = budget;
  if (edits_per_day === undefined && minutes_per_run === undefined && minutes_per_day === undefined) return Infinity;
  const [today] = await tx.$queryRaw<{ edits: number; seconds: number }[]>`
    SELECT coalesce(sum(${editsMade}), 0)::integer AS edits,
      coalesce(sum(extract(epoch FROM jobs.finished_at - jobs.started_at)), 0)::double precision AS seconds
    FROM schedule_runs JOIN jobs ON jobs.id = schedule_runs.job_id
    WHERE schedule_id = ${schedule.id} AND job_id IS NOT NULL
      AND schedule_runs.started_at >= date_trunc('day', ${now}::timestamptz, ${schedule.timeZone})`;
  const used = today ?? { edits: 0, seconds: 0 };
  const secondsLeft = (minutes_per_day ?? Infinity) * 60 - used.seconds;
  if (secondsLeft <= 0) return 0;
  const pace = await secondsAnEdit(tx, schedule.id);
  // At least one: a run that may take no edit at all would never learn that edits have become faster.
  const within = (seconds: number) => (pace === null ? Infinity : Math.max(1, Math.floor(seconds / pace)));
  return Math.max(
    0,
    Math.min((edits_per_day ?? Infinity) - used.edits, within((minutes_per_run ?? Infinity) * 60), within(secondsLeft)),
  );
}

/** When a budget that is used up is there again: the next midnight of the schedule's time zone. */
export async function nextDay(tx: Tx, { timeZone }: Pick<ScheduleRow, 'timeZone'>, now: Date): Promise<Date> {
  const [row] = await tx.$queryRaw<{ begins: Date }[]>`
    SELECT (date_trunc('day', ${now}::timestamptz AT TIME ZONE ${timeZone}) + interval '1 day') AT TIME ZONE ${timeZone} AS begins`;
  return row!.begins;
}

async function secondsAnEdit(tx: Tx, scheduleId: string): Promise<number | null> {
  const [recent] = await tx.$queryRaw<{ edits: number; seconds: number }[]>`
    SELECT coalesce(sum(edits), 0)::integer AS edits, coalesce(sum(seconds), 0)::double precision AS seconds FROM (
      SELECT ${editsMade} AS edits, extract(epoch FROM jobs.finished_at - jobs.started_at) AS seconds
      FROM schedule_runs JOIN jobs ON jobs.id = schedule_runs.job_id
      WHERE schedule_id = ${scheduleId} AND job_id IS NOT NULL AND jobs.finished_at IS NOT NULL AND jobs.started_at IS NOT NULL
        AND ${editsMade} > 0
      ORDER BY schedule_runs.started_at DESC LIMIT ${recentJobs}) AS latest`;
  return recent === undefined || recent.edits === 0 || recent.seconds === 0 ? null : recent.seconds / recent.edits;
}
