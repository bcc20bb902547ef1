// Due times: what a cron expression may be, and what it means on the days on which clocks are set.
import { expect, test } from 'vitest';
import { type Cron, complainOfCron, countedAtMost, elapsed, nextDue } from './cron.ts';

const berlin = (pattern: string): Cron => ({ pattern, time_zone: 'Europe/Berlin' });

/** The next due times after a moment, in ISO form to the minute. */
function dueAfter(cron: Cron, after: string, count: number): string[] {
  const found: string[] = [];
  for (let at: Date | null = new Date(after); found.length < count; ) {
    at = nextDue(cron, at);
    if (at === null) break;
    found.push(at.toISOString().slice(0, 16));
  }
  return found;
}

test('a time of day is read in its zone, in summer and in winter', () => {
  expect(dueAfter(berlin('0 9 * * *'), '2026-01-15T00:00Z', 1)).toEqual(['2026-01-15T08:00']);
  expect(dueAfter(berlin('0 9 * * *'), '2026-07-15T00:00Z', 1)).toEqual(['2026-07-15T07:00']);
  expect(dueAfter({ pattern: '30 18 * * 5', time_zone: 'Asia/Kathmandu' }, '2026-11-20T00:00Z', 1)).toEqual([
    '2026-11-20T12:45',
  ]);
});

test('a time that is skipped when clocks go forward is due an hour later that day, once', () => {
  expect(dueAfter(berlin('30 2 * * *'), '2026-03-28T00:00Z', 3)).toEqual([
    '2026-03-28T01:30',
    '2026-03-29T01:30', // 03:30 summer time: 02:30 does not exist
    '2026-03-30T00:30',
  ]);
});

test('a time that passes twice when clocks go back is due at its first passing only', () => {
  expect(dueAfter(berlin('30 2 * * *'), '2026-10-24T12:00Z', 2)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
  // Also when it is asked for between the two passings.
  expect(dueAfter(berlin('30 2 * * *'), '2026-10-25T00:45Z', 1)).toEqual(['2026-10-26T01:30']);
});

test('every half hour is due every half hour, through both changes', () => {
  for (const [day, hour] of [
    ['2026-03-29', 0],
    ['2026-10-25', 0],
  ] as const) {
    const start = new Date(`${day}T0${hour}:00Z`);
    const steps = dueAfter(berlin('*/30 * * * *'), start.toISOString(), 8).map((at) => Date.parse(`${at}Z`));
    expect(steps.map((at) => (at - start.getTime()) / 60_000)).toEqual([30, 60, 90, 120, 150, 180, 210, 240]);
  }
});

test('what elapsed is counted, and its last moment is the one before the next', () => {
  const hourly = berlin('0 * * * *');
  const first = new Date('2026-10-24T22:00Z');
  expect(elapsed(hourly, first, new Date('2026-10-25T03:10Z'))).toEqual({
    last: new Date('2026-10-25T03:00Z'),
    count: 6,
    next: new Date('2026-10-25T04:00Z'),
  });
  expect(elapsed(hourly, first, first)).toEqual({ last: first, count: 1, next: new Date('2026-10-24T23:00Z') });
  // A year of seconds is not counted through.
  const everySecond = { pattern: '* * * * * *', time_zone: 'UTC' };
  const now = new Date('2026-06-01T00:00:00.500Z');
  expect(elapsed(everySecond, new Date('2025-06-01T00:00:00Z'), now)).toEqual({
    last: new Date('2026-06-01T00:00:00Z'),
    count: countedAtMost,
    next: new Date('2026-06-01T00:00:01Z'),
  });
});

test('what is no expression, no zone, or never due is said', () => {
  for (const pattern of ['*/5 * * * *', '0 9 * * MON-FRI', '0 0 L * *', '0 0 * * 1#2', '*/2 * * * * *'])
    expect(complainOfCron(berlin(pattern)), pattern).toBeNull();
  const complaints = {
    '': 'five fields',
    '* * *': 'five fields',
    '@daily': 'five fields',
    '* * * * * * *': 'five fields',
    'H * * * *': '"H"',
    '60 * * * *': '60',
    '0 0 31 2,4 *': 'never due',
    '0 0 30 2 *': 'day of month',
  };
  for (const [pattern, part] of Object.entries(complaints))
    expect(complainOfCron(berlin(pattern)), pattern).toContain(part);
  for (const time_zone of ['Mars/Base', '', '+02:00'])
    expect(complainOfCron({ pattern: '* * * * *', time_zone })).toContain('time zone');
});
