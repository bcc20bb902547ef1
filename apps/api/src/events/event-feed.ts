// Waiting for news of jobs: one small query at a time for all the streams of this process, from the events table itself.
import { setTimeout as sleep } from 'node:timers/promises';

export interface EventFeed {
  /** Resolves once the job has an event with an id above `after`, or when the signal aborts. Never rejects. */
  news(jobId: string, after: number, signal: AbortSignal): Promise<void>;
}

interface Waiter {
  readonly jobId: string;
  readonly after: number;
  readonly wake: () => void;
}

/**
 * @param latest the greatest event id of each of the jobs that has one
 * @param onError told when a look at the table failed; the next one is tried all the same
 */
export function createEventFeed(
  latest: (jobIds: readonly string[]) => Promise<ReadonlyMap<string, number>>,
  { pollMs, onError }: { readonly pollMs: number; readonly onError: (error: unknown) => void },
): EventFeed {
  const waiters = new Set<Waiter>();
  let looking = false;

  async function look(): Promise<void> {
    looking = true;
    while (waiters.size > 0) {
      try {
        const newest = await latest([...new Set([...waiters].map(({ jobId }) => jobId))]);
        for (const waiter of [...waiters]) if ((newest.get(waiter.jobId) ?? 0) > waiter.after) waiter.wake();
      } catch (error) {
        onError(error);
      }
      await sleep(pollMs);
    }
    looking = false;
  }

  return {
    news(jobId, after, signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wake = () => {
          waiters.delete(waiter);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const waiter: Waiter = { jobId, after, wake };
        signal.addEventListener('abort', wake, { once: true });
        waiters.add(waiter);
        if (!looking) void look();
      });
    },
  };
}
