// What every queue of ours shares: a backend's classes and connections, a deadline for producers, and consumers that pause and close cleanly.
import { setTimeout as sleep } from 'node:timers/promises';
import { type BackendClasses, type IQueueBackend, type Processor, WaitingError } from 'bullmq';

export interface DispatchWarning {
  readonly kind: 'eviction_policy' | 'connection' | 'handler';
  readonly message: string;
}

export interface Wiring<B extends IQueueBackend, C> {
  readonly classes: BackendClasses<B, C>;
  readonly producer: C;
  /** Consumers block on their connections: each makes its own from this. */
  readonly consumer: C;
  readonly lockMs: number;
  readonly warn: (kind: DispatchWarning['kind'], message: string) => void;
}

export interface Consumer {
  /** Takes no further wake-ups; handlers that are running go on. */
  pause(): Promise<void>;
  /** Waits for the running handlers, then lets go of the queue. */
  close(): Promise<void>;
}

// A caller's request must not hang on a queue whose answer it does not need.
const deadlineMs = 3_000;

/** Whether it was done before long. Failing is warned of, and nothing is thrown. */
export async function inTime(work: Promise<unknown>, onFailure: (reason: string) => void): Promise<boolean> {
  const done = work.then(
    () => true,
    (error: unknown) => {
      onFailure(reasonOf(error));
      return false;
    },
  );
  const deadline = new AbortController();
  const late = sleep(deadlineMs, false, { signal: deadline.signal }).catch(() => false);
  return Promise.race([done, late]).finally(() => deadline.abort());
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Between two attempts to reach the server. */
const retryMs = 1_000;

/** Calls `handle` with the data of each job of a queue, at most `concurrency` at a time. What it throws is warned of. */
export function startConsumer<Data, B extends IQueueBackend, C>(
  { classes: { Worker }, consumer: connection, lockMs, warn }: Wiring<B, C>,
  queue: string,
  handle: (data: Data) => Promise<void>,
  { concurrency, label }: { readonly concurrency: number; readonly label: (data: Data) => string },
): Consumer {
  let paused = false;
  const process: Processor<Data, void> = async (job, token) => {
    if (paused) {
      // It was fetched while the pause was being asked for: back to the queue, for another consumer.
      await job.moveToWait(token);
      throw new WaitingError();
    }
    // From here on the same may be asked for again, and goes to whoever is free: this consumer may be at it for long.
    await job.removeDeduplicationKey().catch((error) => warn('connection', reasonOf(error)));
    try {
      await handle(job.data);
    } catch (error) {
      warn('handler', `${label(job.data)}: ${reasonOf(error)}`);
    }
  };
  const make = () => {
    const worker = new Worker<Data, void>(queue, process, {
      connection,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: Math.max(100, lockMs / 2),
      // A wake-up is never given up: whether work fails is decided by the rows in the database.
      maxStalledCount: 1_000_000_000,
      runRetryDelay: retryMs,
      autorun: false,
    });
    worker.on('error', (error: Error) => warn('connection', error.message));
    return worker;
  };
  const closing = new AbortController();
  // A worker whose connection breaks while it is being set up stays broken, and would ask it again and again without a pause: another is made.
  const open = async (): Promise<ReturnType<typeof make> | undefined> => {
    while (!closing.signal.aborted) {
      const worker = make();
      try {
        await worker.waitUntilReady();
        if (!paused) worker.run().catch((error) => warn('connection', reasonOf(error)));
        return worker;
      } catch (error) {
        warn('connection', reasonOf(error));
        await worker.close(true).catch(() => {});
        await sleep(retryMs, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
    return undefined;
  };
  let worker: Awaited<ReturnType<typeof open>>;
  const opening = open().then((opened) => {
    worker = opened;
  });
  return {
    pause: async () => {
      paused = true;
      await worker?.pause(true);
    },
    close: async () => {
      paused = true;
      closing.abort();
      await opening;
      await worker?.close();
    },
  };
}
