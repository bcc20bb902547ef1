// Due times: what a cron expression may be, and what it means on the days on which clocks are set.
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
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

test('what is no expression is refused, naming the field and the rule', () => {
  const taken = ['*/5 * * * *', '0 9 * * MON-FRI', '0 0 L * *', '0 0 * * 1#2,5L', '*/2 * * * * *', '*/5,*/7 * * * *'];
  for (const pattern of [
    ...taken,
    '7,7 * * * *',
    '3/20 * * * *',
    '0 0 ? JAN,jul 7',
    '0 0 * * FRI-SUN',
    ' 0  0 1-7 * ? ',
  ])
    expect(complainOfCron(berlin(pattern)), pattern).toBeNull();
  const complaints = {
    '': 'five fields',
    '* * *': 'five fields',
    '@daily': 'five fields',
    '* * * * * * *': 'five fields',
    'H * * * *': 'the minute field "H": "H" is not a whole number',
    '60 * * * *': 'the minute field "60": 60 is not from 0 to 59',
    '60 * * * * *': 'the second field',
    '1-5-9 * * * *': 'the minute field "1-5-9": "1-5-9" is no range: a range has one start and one end',
    '*/90 * * * *': 'the minute field "*/90": the step 90 leads beyond 0 to 59',
    '* */24 * * *': 'the hour field "*/24": the step 24 leads beyond 0 to 23',
    '10-20/30 * * * *': 'the step 30 leads beyond 10 to 20',
    '50/20 * * * *': 'the step 20 leads beyond 50 to 59',
    '*/0 * * * *': 'a step is at least 1',
    '*/2/3 * * * *': 'more than one step',
    '*/x * * * *': 'the step "x" is not a whole number',
    '1,,2 * * * *': 'a value on both sides of each comma',
    '1, * * * *': 'a value on both sides of each comma',
    '* 9-5 * * *': 'the hour field "9-5": the range 9-5 ends before it starts',
    '*-5 * * * *': '"*" is not a whole number',
    '1.5 * * * *': 'not a whole number',
    '-1 * * * *': 'not a whole number',
    '0 0 0 * *': 'the day of month field "0": 0 is not from 1 to 31',
    '0 0 LW * *': 'the day of month field',
    '0 0 1L * *': 'the day of month field',
    '0 0 * 13 *': 'the month field "13": 13 is not from 1 to 12',
    '0 0 * MAY-X *': 'nor one of JAN',
    '0 0 MON * *': 'the day of month field',
    '0 0 * * 8': 'the day of week field "8": 8 is not from 0 to 7',
    '0 0 * * 1#6': 'the day of week field "1#6": what follows # is a number from 1 to 5',
    '0 0 * * L': 'the day of week field',
    '? * * * *': 'the minute field',
    '0 0 31 2,4 *': 'never due',
    '0 0 30 2 *': 'never due',
  };
  for (const [pattern, part] of Object.entries(complaints)) {
    expect(complainOfCron(berlin(pattern)), pattern).toContain(part);
    // It is not taken for one that is never due again.
    if (part !== 'never due') expect(() => nextDue(berlin(pattern), new Date()), pattern).toThrow(part);
  }
  for (const time_zone of ['Mars/Base', '', '+02:00'])
    expect(complainOfCron({ pattern: '* * * * *', time_zone })).toContain('time zone');
});

test('away from the days on which clocks are set, expressions mean what another reader of them says', () => {
  const field = (least: number, most: number) => {
    const value = fc.integer({ min: least, max: most });
    const pair = fc.uniqueArray(value, { minLength: 2, maxLength: 2 }).map((ends) => ends.sort((a, b) => a - b));
    const step = fc.integer({ min: 1, max: most - least });
    return fc.oneof(
      fc.constant('*'),
      value.map(String),
      pair.map((ends) => ends.join('-')),
      pair.map((values) => values.join()),
      step.map((by) => `*/${by}`),
      pair.chain(([from, to]) => fc.integer({ min: 1, max: to! - from! }).map((by) => `${from}-${to}/${by}`)),
    );
  };
  const weekday = fc.oneof(field(0, 6), fc.constantFrom('7', '5-7', '2#1', '0L', 'MON-FRI', '?'));
  const monthDay = fc.oneof(field(1, 31), fc.constantFrom('L', '31', '29', '?'));
  const pattern = fc.tuple(field(0, 59), field(0, 59), field(0, 23), monthDay, field(1, 12), weekday);
  fc.assert(
    fc.property(
      pattern,
      fc.date({ min: new Date('2026-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
      (fields, after) => {
        const cron = { pattern: fields.join(' '), time_zone: 'UTC' };
        fc.pre(complainOfCron(cron) === null);
        const other = CronExpressionParser.parse(cron.pattern, { tz: 'UTC', currentDate: after });
        for (let at = after, count = 0; count < 3; count++) {
          at = nextDue(cron, at)!;
          expect(at.toISOString(), cron.pattern).toBe(other.next().toDate().toISOString());
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a rare day is found, however long it takes to come', () => {
  const rare = { pattern: '0 12 * 2 1#5', time_zone: 'Pacific/Auckland' };
  expect(nextDue(rare, new Date('2026-01-01T00:00Z'))?.toISOString()).toBe('2044-02-28T23:00:00.000Z');
});
