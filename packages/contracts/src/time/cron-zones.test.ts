// Every time zone whose clocks change in 2026 and 2027 against a walk through the minutes around each change: what the clocks show then is
// read off, and what is due follows from the list alone.
import { expect, test } from 'vitest';
import { nextDue } from './cron.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const from = Date.UTC(2026, 0, 1);
const until = Date.UTC(2028, 0, 1);

interface Change {
  /** The first moment under the new rule, in ms. */
  readonly at: number;
  /** Minutes by which clocks are set forward. */
  readonly forward: number;
}

/** Minutes ahead of UTC as the platform spells them: `GMT+10:30`. */
function aheadIn(zone: string): (moment: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
  return (moment) => {
    const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(moment))!;
    return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  };
}

function changesIn(zone: string): readonly Change[] {
  const ahead = aheadIn(zone);
  const found: Change[] = [];
  const step = 5 * 24 * hourMs;
  for (let start = from; start < until; start += step) {
    const before = ahead(start);
    if (ahead(start + step) === before) continue;
    let at = start;
    for (let size = step / 2; size >= minuteMs / 2; size /= 2) if (ahead(at + size) === before) at += size;
    at = Math.ceil((at + 1) / minuteMs) * minuteMs;
    found.push({ at, forward: ahead(at) - before });
  }
  return found;
}

/** What clocks show through the minutes of the days around a change, and when. */
class Walk {
  readonly start: number;
  readonly end: number;
  private readonly minutes: readonly (readonly [shown: string, moment: number])[];
  private readonly first = new Map<string, number>();

  constructor(zone: string, { at }: Change) {
    // Sweden writes 2026-03-29 03:30.
    const format = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
    this.start = at - 30 * hourMs;
    this.end = at + 30 * hourMs;
    this.minutes = Array.from({ length: (this.end - this.start) / minuteMs }, (_, index) => {
      const moment = this.start + index * minuteMs;
      return [format.format(moment), moment] as const;
    });
    for (const [shown, moment] of this.minutes) if (!this.first.has(shown)) this.first.set(shown, moment);
  }

  /** Every moment at which the clocks show a minute that passes. */
  passings = (minute: (shown: string) => boolean): number[] =>
    this.minutes.filter(([shown]) => minute(shown)).map(([, moment]) => moment);

  /** Times of day, each once a day. */
  onceADay(times: readonly string[], { forward }: Change): number[] {
    const days = new Set(this.minutes.map(([shown]) => shown.slice(0, 10)));
    const moments = [...days].flatMap((day) =>
      times.map((time) => this.first.get(`${day} ${time}`) ?? this.later(day, time, forward)),
    );
    return [...new Set(moments)].filter((moment) => moment !== undefined).sort((a, b) => a - b);
  }

  /** A time that clocks never showed: as much later as they were set. At the ends of the walk there is none. */
  private later(day: string, time: string, forward: number): number | undefined {
    const skipped = `${day} ${time}`;
    if (forward <= 0 || skipped < this.minutes[0]![0] || skipped > this.minutes.at(-1)![0]) return undefined;
    const meant = new Date(Date.parse(`${day}T${time}Z`) + forward * minuteMs);
    return this.first.get(meant.toISOString().slice(0, 16).replace('T', ' '));
  }
}

function dueWithin(pattern: string, time_zone: string, { start, end }: Walk): number[] {
  const found: number[] = [];
  for (let at = nextDue({ pattern, time_zone }, new Date(start - 1)); at !== null && at.getTime() < end; ) {
    found.push(at.getTime());
    at = nextDue({ pattern, time_zone }, at);
  }
  return found;
}

const changing = Intl.supportedValuesOf('timeZone')
  .map((zone) => ({ zone, changes: changesIn(zone) }))
  .filter(({ changes }) => changes.length > 0);

/** Of the zones whose clocks show the same throughout, the first one. */
const distinct = [
  ...new Map(
    changing
      .toReversed()
      .map((changing) => [JSON.stringify([aheadIn(changing.zone)(from), changing.changes]), changing] as const),
  ).values(),
];

const pad = (number: number) => String(number).padStart(2, '0');
const iso = (moments: readonly number[]) => moments.map((moment) => new Date(moment).toISOString().slice(0, 16));

test('there is something to walk through', () => {
  const zones = distinct.map(({ zone }) => zone);
  expect(changing.length).toBeGreaterThan(100);
  for (const odd of [
    'Africa/Cairo',
    'America/Santiago',
    'America/Havana',
    'Asia/Beirut',
    'Australia/Lord_Howe',
    'Antarctica/Troll',
  ])
    expect(zones).toContain(odd);
});

test.each(distinct)(
  '$zone: every time of day is due once a day, and every hour at each passing',
  ({ zone, changes }) => {
    for (const change of changes) {
      const walk = new Walk(zone, change);
      const note = `${zone} at ${new Date(change.at).toISOString()}`;
      const hours = [0, 1, 2, 3, 23];
      for (const hour of hours) {
        for (const minute of [0, 30]) {
          const due = dueWithin(`${minute} ${hour} * * *`, zone, walk);
          expect(iso(due), `${note}: ${hour}:${minute}`).toEqual(
            iso(walk.onceADay([`${pad(hour)}:${pad(minute)}`], change)),
          );
        }
      }
      const several = hours.flatMap((hour) => [0, 20, 40].map((minute) => `${pad(hour)}:${pad(minute)}`));
      const due = dueWithin(`*/20 ${hours.join()} * * *`, zone, walk);
      expect(iso(due), `${note}: several`).toEqual(iso(walk.onceADay(several, change)));
      for (const minute of ['00', '30', '45']) {
        const hourly = dueWithin(`${minute} * * * *`, zone, walk);
        expect(iso(hourly), `${note}: hourly at ${minute}`).toEqual(
          iso(walk.passings((shown) => shown.endsWith(`:${minute}`))),
        );
      }
    }
  },
);

test('a day of the week keeps its run when its midnight is skipped', () => {
  const sundays = { pattern: '0 0 * * 0', time_zone: 'America/Santiago' };
  expect(nextDue(sundays, new Date('2026-08-31T04:00:00Z'))?.toISOString()).toBe('2026-09-06T04:00:00.000Z');
  // It is Saturday for an hour longer: at its second end, once.
  expect(nextDue(sundays, new Date('2026-03-30T04:00:00Z'))?.toISOString()).toBe('2026-04-05T04:00:00.000Z');
  expect(nextDue(sundays, new Date('2026-04-05T04:00:00Z'))?.toISOString()).toBe('2026-04-12T04:00:00.000Z');
});
