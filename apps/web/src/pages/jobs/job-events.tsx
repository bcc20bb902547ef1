// What a job tells of itself: the line that moves, and the log.
import { type JobEvent, shareDone } from '@errata/contracts';
import { shortVersion } from '../../parts/version-id.tsx';
import { When } from '../../parts/when.tsx';
import './job-events.css';

interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

function progressOf({ type, data }: JobEvent): Progress | undefined {
  const { phase, done, total } = data;
  if (type !== 'progress' || typeof done !== 'number' || typeof total !== 'number') return undefined;
  return { phase: typeof phase === 'string' ? phase.replaceAll('_', ' ') : 'working', done, total };
}

const numbers = new Intl.NumberFormat();

export function JobProgress({ events }: { readonly events: readonly JobEvent[] }) {
  const last = events.at(-1);
  const progress = last === undefined ? undefined : progressOf(last);
  const words = progress === undefined ? (last?.type.replaceAll('_', ' ') ?? 'waiting for news') : progress.phase;
  return (
    <div className="card stack tight">
      <div className="row spread">
        <strong>{words}</strong>
        {progress !== undefined && (
          <span className="soft small">
            {numbers.format(progress.done)} of {numbers.format(progress.total)}
          </span>
        )}
      </div>
      <progress
        className="progress"
        aria-label={words}
        max={1}
        {...(progress === undefined ? {} : { value: shareDone(progress.done, progress.total) })}
      />
    </div>
  );
}

export function JobEvents({ events }: { readonly events: readonly JobEvent[] }) {
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
