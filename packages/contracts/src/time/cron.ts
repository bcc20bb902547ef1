// When a schedule is due: the times that a cron expression names, on the clocks of a time zone, whatever is done to those.

import { ErrataError } from '../errors.ts';
import { type CronTimes, readCron } from './cron-fields.ts';
import { dayMs, evenStretches, isTimeZone } from './wall-clock.ts';

/** A cron expression of five fields (or six, the first for seconds), read in an IANA time zone. */
export interface Cron {
  readonly pattern: string;
  readonly time_zone: string;
}

/** What is wrong with it, in a sentence; null when it names at least one moment to come. */
export function complainOfCron(cron: Cron): string | null {
  if (!isTimeZone(cron.time_zone)) return `${JSON.stringify(cron.time_zone)} is not a time zone of the IANA database`;
  const times = readCron(cron.pattern);
  if (typeof times === 'string') return times;
  const today = Math.floor(Date.now() / dayMs) * dayMs;
  if (firstShown(times, today, today + rarestMs) !== null) return null;
  return 'the expression is never due: no month that it names has such a day';
}

/** @throws ErrataError `invalid_request` for one that {@link complainOfCron} complains of */
function timesOf(cron: Cron): CronTimes {
  const times = readCron(cron.pattern);
  const complaint = typeof times === 'string' || !isTimeZone(cron.time_zone) ? complainOfCron(cron) : null;
  if (typeof times !== 'string' && complaint === null) return times;
  throw new ErrataError('invalid_request', `cron ${JSON.stringify(cron.pattern)}: ${complaint}`);
}

// A fifth Monday in February comes every 28 years, and around 2100 after forty.
const rarestMs = 41 * 366 * dayMs;

/**
 * The first moment after `after` at which it is due, a whole second; null when there is none.
 *
 * An expression whose hour field names every hour is due whenever clocks show one of its times: at both passings where clocks are set
 * back. Any other names times of day, and each of them is due once a day: where it passes twice, at its first passing; where clocks
 * are set forward over it, as much later as they were set. (`compatible` in RFC 5545 and in ECMAScript's Temporal.)
 *
 * @throws ErrataError `invalid_request` for an expression that is none
 */
export function nextDue(cron: Cron, after: Date): Date | null {
  const times = timesOf(cron);
  const everyHour = times.hours.length === 24;
  const from = Math.floor(after.getTime() / 1000) * 1000 + 1000;
  const until = from + rarestMs;
  // No clock is further than a day from UTC, or is set by more than a day: nothing is due before this.
  const first = firstShown(times, from - 2 * dayMs, until);
  if (first === null) return null;
  const begin = Math.max(first, from) - 2 * dayMs;
  for (const { start, end, offset, before } of evenStretches(cron.time_zone, begin, until)) {
    if (end <= from) continue;
    const open = Math.max(start, from);
    const fresh = everyHour ? open + offset : Math.max(open + offset, start + before);
    const shown = firstShown(times, fresh, end + offset);
    const skipped = everyHour ? null : firstShown(times, open + before, start + offset);
    const moments = [...(shown === null ? [] : [shown - offset]), ...(skipped === null ? [] : [skipped - before])];
    if (moments.length > 0) return new Date(Math.min(...moments));
  }
  return null;
}

/** The first of the times that a clock shows from `from` on and before `until`. Clock times are ms, as if the clock showed UTC. */
function firstShown(times: CronTimes, from: number, until: number): number | null {
  for (let day = Math.floor(from / dayMs) * dayMs; day < until; day += dayMs) {
    if (!isDay(times, new Date(day))) continue;
    const time = firstOfDay(times, Math.max(0, from - day));
    if (time !== null) return day + time < until ? day + time : null;
  }
  return null;
}

function isDay({ months, monthDays, weekdays }: CronTimes, date: Date): boolean {
  if (!months.has(date.getUTCMonth() + 1)) return false;
  if (monthDays === null && weekdays === null) return true;
  const day = date.getUTCDate();
  const left = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate() - day;
  if (monthDays !== null && (monthDays.days.has(day) || (monthDays.last && left === 0))) return true;
  const weekday = date.getUTCDay();
  if (weekdays === null) return false;
  return (
    weekdays.every.has(weekday) ||
    (left < 7 && weekdays.last.has(weekday)) ||
    weekdays.nth.has(`${weekday}#${Math.ceil(day / 7)}`)
  );
}

/** The first time of a day that is not before `from`; both in ms since its midnight. */
function firstOfDay({ hours, minutes, seconds }: CronTimes, from: number): number | null {
  for (const hour of hours) {
    if ((hour + 1) * 3_600_000 <= from) continue;
    for (const minute of minutes) {
      if (hour * 3_600_000 + (minute + 1) * 60_000 <= from) continue;
      for (const second of seconds) {
        const time = hour * 3_600_000 + minute * 60_000 + second * 1_000;
        if (time >= from) return time;
      }
    }
  }
  return null;
}

/** What became due while nobody looked. */
export interface Elapsed {
  /** The last moment that is past. */
  readonly last: Date;
  /** How many there were, `last` included; counted to {@link countedAtMost}. */
  readonly count: number;
  readonly next: Date | null;
}

export const countedAtMost = 1000;

/** From a moment that is due on: everything up to `now`. `first` is not after `now`. */
export function elapsed(cron: Cron, first: Date, now: Date): Elapsed {
  let last = first;
  for (let count = 1; count < countedAtMost; count++) {
    const next = nextDue(cron, last);
    if (next === null || next > now) return { last, count, next };
    last = next;
  }
  return { last: lastDue(cron, last, now), count: countedAtMost, next: nextDue(cron, now) };
}

/** The last moment at which it is due up to `now`, known to be `due` or later: by halving the time in which it can be. */
function lastDue(cron: Cron, due: Date, now: Date): Date {
  let last = due;
  for (let after = now; ; ) {
    const middle = new Date((last.getTime() + after.getTime()) / 2);
    const next = nextDue(cron, middle);
    if (next !== null && next <= now) last = next;
    else if (after.getTime() - last.getTime() < 1000) return last;
    else after = middle;
  }
}
