// A point in time as people say it, in the viewer's zone, with the exact one on hover.
import { useEffect, useState } from 'react';

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

const minute = 60_000;
const hour = 60 * minute;

function inWords(at: number, now: number): string {
  const away = at - now;
  const distance = Math.abs(away);
  if (distance < 5000) return 'now';
  if (distance < minute) return relative.format(Math.round(away / 1000), 'second');
  if (distance < hour) return relative.format(Math.round(away / minute), 'minute');
  if (distance < 24 * hour) return relative.format(Math.round(away / hour), 'hour');
  return day.format(at);
}

/** The time, told again as it passes. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** @param at as the API gives it, in UTC */
export function When({ at }: { readonly at: string }) {
  const now = useNow(10_000);
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={exact.format(time)}>
      {inWords(time, now)}
    </time>
  );
}
