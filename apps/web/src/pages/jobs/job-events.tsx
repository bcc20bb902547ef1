// What a job tells of itself: the log.
import type { JobEvent } from '@errata/contracts';
import { progressOf } from '../../parts/job-progress.tsx';
import { shortVersion } from '../../parts/version-id.tsx';
import { When } from '../../parts/when.tsx';
import './job-events.css';

const numbers = new Intl.NumberFormat();

export function JobEvents({ events }: { readonly events: readonly JobEvent[] }) {
  if (events.length === 0) return null;
  return (
    <section className="stack tight" aria-label="Log">
      <h2>Log</h2>
      <ol className="card log" aria-live="polite">
        {events.map((event) => (
          <li key={event.id}>
            <span className="soft small">
              <When at={event.created_at} />
            </span>
            <span>{inWords(event)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function inWords(event: JobEvent): string {
  const progress = progressOf(event);
  if (progress !== undefined)
    return `${progress.phase}: ${numbers.format(progress.done)} of ${numbers.format(progress.total)}`;
  const type = event.type.replaceAll('_', ' ');
  const told = Object.entries(event.data).flatMap(([name, value]) => {
    if (typeof value !== 'string' && typeof value !== 'number') return [];
    const words = name.replace(/_id$/, '').replaceAll('_', ' ');
    return `${words} ${typeof value === 'string' ? shortVersion(value) : numbers.format(value)}`;
  });
  return told.length === 0 ? type : `${type} (${told.join(', ')})`;
}
