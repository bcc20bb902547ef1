// Ctrl-C and its like: the first asks to stop, one more says: at once.

export interface Interrupts {
  /** Aborts when somebody asks to stop. */
  readonly stop: AbortSignal;
  /** Aborts when somebody does not want to wait for it. */
  readonly hurry: AbortSignal;
}

/** Who presses Ctrl-C once may send it twice: the terminal sends it to all, and `npm` passes it on. */
const twiceMs = 500;

/** From now on, signals no longer end this process: it must end once it has stopped what it started. */
export function onInterrupt(): Interrupts {
  const [stop, hurry] = [new AbortController(), new AbortController()];
  let askedAt = 0;
  const ask = () => {
    if (stop.signal.aborted) {
      if (performance.now() - askedAt > twiceMs) hurry.abort();
      return;
    }
    askedAt = performance.now();
    stop.abort(new Error('interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  // A terminal that is gone, or whoever read what is printed, must not end it before it has stopped everything either.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return { stop: stop.signal, hurry: hurry.signal };
}

export const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
