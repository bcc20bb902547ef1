// When schedules are due in the weeks to come, by the viewer's clock.
import type { ScheduleResource } from '@errata/contracts';
import { useMemo } from 'react';
import { useNow } from '../../parts/when.tsx';
import { type Day, dayOfWeekOf, daysAhead } from './days.ts';

const weeks = 4;
const everyMs = 60_000;
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const ofMonth = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

export function Calendar({ schedules }: { readonly schedules: readonly ScheduleResource[] }) {
  const now = useNow(everyMs);
  const days = useMemo(() => daysAhead(schedules, new Date(now), 7 * weeks), [schedules, now]);
  const today = dayOfWeekOf(new Date(now), (new Date(now).getDay() + 6) % 7).getTime();
  return (
    <section className="stack tight" aria-label="Calendar">
      <h2>The next four weeks</h2>
      <ol className="calendar">
        {days.map((day) => (
          <CalendarDay key={day.begins.getTime()} day={day} today={today} />
        ))}
      </ol>
      <p className="small soft">
        In your time zone, {Intl.DateTimeFormat().resolvedOptions().timeZone}. Runs by number of waiting edits are not
        foreseen here.
      </p>
    </section>
  );
}

function CalendarDay({ day: { begins, due }, today }: { readonly day: Day; readonly today: number }) {
  const at = begins.getTime();
  const look = [at < today ? 'past' : '', at === today ? 'today' : '', due.length === 0 ? 'free' : ''];
  return (
    <li className={look.join(' ')} aria-current={at === today ? 'date' : undefined}>
      <span className="small soft" title={full.format(begins)}>
        {weekday.format(begins)} {ofMonth.format(begins)}
      </span>
      {due.map(({ id, name, times, more }) => (
        <a key={id} href={`#${id}`} className="due small">
          {more
            ? `${name}, many times from ${clock.format(times[0])}`
            : `${times.map((time) => clock.format(time)).join(', ')} ${name}`}
        </a>
      ))}
    </li>
  );
}
