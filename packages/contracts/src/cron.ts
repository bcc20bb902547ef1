// When a schedule is due: cron expressions in a time zone, read by the library that the queue reads them with.
import { CronExpressionParser } from 'cron-parser';

/** A cron expression of five fields (or six, the first for seconds), read in an IANA time zone. */
export interface Cron {
  readonly pattern: string;
  readonly time_zone: string;
}

// The parser would also take nicknames, missing fields, and H, which stands for a number drawn by chance: another one in each process.
const fieldCounts = [5, 6];
const names = /^(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT|L)$/i;

/** What is wrong with it, in a sentence; null when it names at least one moment to come. */
export function complainOfCron(cron: Cron): string | null {
  if (!isTimeZone(cron.time_zone)) return `${JSON.stringify(cron.time_zone)} is not a time zone of the IANA database`;
  const fields = cron.pattern.trim().split(/\s+/);
  if (!fieldCounts.includes(fields.length))
    return 'a cron expression has five fields (minute hour day month weekday), or six with seconds first';
  const stranger = fields.flatMap((field) => field.match(/[A-Za-z]+/g) ?? []).find((word) => !names.test(word));
  if (stranger !== undefined) return `a cron expression cannot hold ${JSON.stringify(stranger)}`;
  try {
    return nextDue(cron, new Date()) === null ? 'the expression is never due' : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The first moment after `after` at which it is due; null when there is none.
 *
 * Where clocks are set forward, a time of day that does not exist is due as much later as the clocks were set; where they are set
 * back, a fixed time of day is due once, at its first passing, and a repeated one (every half hour) at both.
 */
export const nextDue = (cron: Cron, after: Date): Date | null => nextOf(timesAfter(cron, after));

// The rarest day there is comes every eight years at least. Beyond it the parser would search on for seconds.
const horizonMs = 9 * 366 * 86_400_000;

const timesAfter = (cron: Cron, after: Date) =>
  CronExpressionParser.parse(cron.pattern, {
    tz: cron.time_zone,
    currentDate: after,
    endDate: new Date(after.getTime() + horizonMs),
  });

function nextOf(times: ReturnType<typeof timesAfter>): Date | null {
  try {
    return times.next().toDate();
  } catch {
    return null;
  }
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
  const times = timesAfter(cron, first);
  let last = first;
  for (let count = 1; count < countedAtMost; count++) {
    const next = nextOf(times);
    if (next === null || next > now) return { last, count, next };
    last = next;
  }
  const latest = CronExpressionParser.parse(cron.pattern, {
    tz: cron.time_zone,
    // `prev` looks strictly before.
    currentDate: new Date(now.getTime() + 1),
  }).prev();
  return { last: latest.toDate(), count: countedAtMost, next: nextDue(cron, now) };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}
