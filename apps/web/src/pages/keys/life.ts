// When a key ends by itself, as it is chosen.
const dayMs = 86_400_000;

/** What can be chosen: so many days from now, a day of the calendar, or never. */
export const lives = {
  '7': 'in a week',
  '30': 'in 30 days',
  '90': 'in 90 days',
  '365': 'in a year',
  day: 'at the end of a day',
  never: 'when it is revoked',
} as const;
export type Life = keyof typeof lives;

/**
 * The end as the API takes it; undefined for never.
 * @param day `2026-11-29`, of the viewer's calendar
 */
export function endOf(life: Life, day: string, now: Date = new Date()): string | undefined {
  if (life === 'never') return undefined;
  if (life !== 'day') return new Date(now.getTime() + Number(life) * dayMs).toISOString();
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + 1).toISOString();
}
