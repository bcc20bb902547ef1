// What the calendar shows on a day, of schedules in any zone.
import { expect, test } from 'vitest';
import { daysAhead } from './days.ts';

const schedule = (name: string, cron: string | null, more: object = {}) => ({
  id: name,
  name,
  cron,
  time_zone: 'UTC',
  paused: false,
  ...more,
});

test('weeks begin on Monday, and nothing is due before now, while paused or without cron', () => {
  // A Wednesday.
  const now = new Date(2026, 10, 25, 12);
  const days = daysAhead(
    [
      schedule('nightly', '0 3 * * *', { time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone }),
      schedule('often', '*/10 * * * *'),
      schedule('paused', '0 3 * * *', { paused: true }),
      schedule('by number', null),
    ],
    now,
    14,
  );
  expect(days).toHaveLength(14);
  expect(days[0]!.begins).toEqual(new Date(2026, 10, 23));
  expect(days.slice(0, 2).flatMap(({ due }) => due)).toEqual([]);
  // At three it was night already.
  expect(days[2]!.due.map(({ name }) => name)).toEqual(['often']);
  expect(days[2]!.due[0]).toMatchObject({ more: true, times: [new Date(2026, 10, 25, 12, 10)] });
  expect(days[3]!.due[0]).toEqual({
    id: 'nightly',
    name: 'nightly',
    times: [new Date(2026, 10, 26, 3)],
    more: false,
  });
  // Midnight belongs to the day that it begins.
  expect(days[3]!.due[1]!.times).toEqual([new Date(2026, 10, 26)]);
});
