// The days of the calendar, each with what runs on it: by the viewer's clocks, whatever the zone of a schedule is.
import { nextDue } from '@errata/contracts';

/** What a calendar needs of a schedule. */
export interface Timed {
  readonly id: string;
  readonly name: string;
  readonly cron: string | null;
  readonly time_zone: string;
  readonly paused: boolean;
}

export interface DueOnDay {
  readonly id: string;
  readonly name: string;
  /** The first times of the day; `more` where there are others. */
  readonly times: readonly Date[];
  readonly more: boolean;
}

export interface Day {
  readonly begins: Date;
  readonly due: readonly DueOnDay[];
}

const timesShown = 3;

/** Midnight of the Monday of a moment's week, or of a day so many days later. */
export function dayOfWeekOf(now: Date, days = 0): Date {
  const sinceMonday = (now.getDay() + 6) % 7;
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - sinceMonday + days);
}

/**
 * Whole weeks from that of `now` on. What is paused, or has no cron, is not due; nor is anything before `now`.
 * @param count how many days
 */
export function daysAhead(schedules: readonly Timed[], now: Date, count: number): readonly Day[] {
  const timed = schedules.filter(({ cron, paused }) => cron !== null && !paused);
  return Array.from({ length: count }, (_, index) => {
    const [begins, ends] = [dayOfWeekOf(now, index), dayOfWeekOf(now, index + 1)];
    const due = timed.flatMap(({ id, name, cron, time_zone }): readonly DueOnDay[] => {
      const times: Date[] = [];
      // A moment before its beginning, so that midnight itself is found.
      let after = new Date(Math.max(begins.getTime() - 1, now.getTime()));
      while (times.length <= timesShown && after < ends) {
        const next = nextDue({ pattern: cron!, time_zone }, after);
        if (next === null || next >= ends) break;
        times.push(next);
        after = next;
      }
      const more = times.length > timesShown;
      return times.length === 0 ? [] : [{ id, name, times: times.slice(0, more ? 1 : timesShown), more }];
    });
    return { begins, due };
  });
}
