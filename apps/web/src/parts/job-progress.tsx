// How far a job is: the line that moves.
import { type JobEvent, shareDone } from '@errata/contracts';

interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** What an event of progress tells; undefined of any other. */
export function progressOf({ type, data }: JobEvent): Progress | undefined {
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
