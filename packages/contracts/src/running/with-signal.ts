// Signals that follow others, and time limits, for as long as something is done: held by whoever does it, and gone with it.
import { setMaxListeners } from '#platform';

export interface SignalSources {
  readonly follow: readonly (AbortSignal | undefined)[];
  /** Aborts with a `TimeoutError` after so many ms. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Runs `work` under a signal that aborts as soon as one of those it follows does, for the same reason, or when time is up. Afterwards
 * neither a listener nor a timer is left of it.
 *
 * `AbortSignal.any` and `AbortSignal.timeout` hold what they are made of weakly: on Node 20 a limit that nobody else holds is collected
 * before it is over.
 */
export async function withSignal<T>(
  { follow, timeoutMs }: SignalSources,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const abort = ({ target }: Pick<Event, 'target'>) => own.abort((target as AbortSignal).reason);
  const sources = follow.filter((source) => source !== undefined);
  // Any number may be under way at once: each takes its listener away again.
  setMaxListeners(0, ...sources);
  for (const source of sources) {
    if (source.aborted) abort({ target: source });
    source.addEventListener('abort', abort);
  }
  const timeOut = () => own.abort(new DOMException('the time is up', 'TimeoutError'));
  const timer = timeoutMs === undefined ? undefined : setTimeout(timeOut, timeoutMs);
  try {
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    for (const source of sources) source.removeEventListener('abort', abort);
  }
}
