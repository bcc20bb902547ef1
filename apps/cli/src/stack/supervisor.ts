// Keeps a program running: starts it, starts it again whenever it ends, however often that is, and says so.
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrataError, toPlainError } from '@errata/contracts';
import type { RunningProcess } from '@errata/local-services';

export interface Program {
  readonly name: string;
  /**
   * Resolves once the program can be used. When it rejects, nothing of it is left running.
   * @param signal aborts when nobody wants it any more
   */
  start(signal: AbortSignal): Promise<RunningProcess>;
}

export interface Supervised {
  /** Ends the program in good order; it is not started again. */
  stop(): Promise<void>;
  /** Ends it at once. Whoever waits for {@link Supervised.stop} need not wait any longer. */
  kill(): void;
}

/** Pauses before it is started again, in ms: the first one, doubled each time up to the longest; begun anew after a healthy while. */
export interface Pace {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly healthyMs: number;
}

const usualPace: Pace = { firstMs: 200, longestMs: 15_000, healthyMs: 60_000 };

/**
 * Starts a program and keeps it running.
 * @param say told of every death, every attempt and every success after the first
 * @param signal aborts the first start
 * @throws what the first start ended with, as an ErrataError
 */
export async function supervise(
  { name, start }: Program,
  say: (line: string) => void,
  signal: AbortSignal,
  pace: Pace = usualPace,
): Promise<Supervised> {
  signal.throwIfAborted();
  let running = await start(signal).catch((error: unknown) => {
    if (error instanceof ErrataError || signal.aborted) throw error;
    throw new ErrataError('unavailable', `${name} could not be started: ${toPlainError(error).message}`, {
      cause: error,
    });
  });
  const stopping = new AbortController();

  /** Tries until it runs, or nobody wants it any more. */
  const startAgain = async (failures: number): Promise<number> => {
    for (let attempt = failures; ; attempt++) {
      const pauseMs = Math.min(pace.firstMs * 2 ** attempt, pace.longestMs);
      say(`starting ${name} again in ${pauseMs / 1000} s`);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return attempt;
      try {
        running = await start(stopping.signal);
        if (!stopping.signal.aborted) say(`${name} is up again`);
        return attempt + 1;
      } catch (error) {
        if (stopping.signal.aborted) return attempt;
        say(`${name} could not be started: ${toPlainError(error).message}`);
      }
    }
  };
  const keep = async () => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const since = performance.now();
      const how = await running.ended;
      if (stopping.signal.aborted) return;
      if (performance.now() - since > pace.healthyMs) failures = 0;
      say(`${name} ended (${how})`);
      failures = await startAgain(failures);
    }
    // It may have become ready at the very moment.
    await running.stop();
  };
  const keeping = keep();
  return {
    stop: async () => {
      stopping.abort();
      await running.stop();
      await keeping;
    },
    kill: () => {
      stopping.abort();
      void running.kill();
    },
  };
}
