// Dispatch: tells workers that a lane has work. What that work is stands in the database; a wake-up carries a lane's id and no more.
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrataError } from '@errata/contracts';
import {
  type BackendClasses,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  type JobsOptions,
  type Processor,
  WaitingError,
  withBackend,
} from 'bullmq';
import { Redis } from 'ioredis';
import { evictionWarning } from './eviction.ts';
import { describeQueueUrl, parseQueueUrl, type RedisAddress } from './queue-url.ts';

export interface DispatchOptions {
  /** Told of unsafe server settings and of trouble with the connection, which mends itself. Nothing is thrown for these. */
  readonly onWarning?: (warning: DispatchWarning) => void;
  /** How long a wake-up stays with a consumer that has stopped renewing it, in ms. The worker's lease should last as long. */
  readonly lockMs?: number;
  /** Name of the queue, for several independent ones on one server. */
  readonly name?: string;
}

export interface DispatchWarning {
  readonly kind: 'eviction_policy' | 'connection' | 'handler';
  readonly message: string;
}

export interface Dispatch {
  readonly backend: 'redis' | 'postgres';
  /**
   * Asks for a run of the lane's handler that starts after this call. While one waits no second is added; while one runs, one more
   * follows it. Resolves to false when the queue could not be reached: nothing is lost, since the reconciler asks again.
   */
  wake(laneId: string): Promise<boolean>;
  /** Calls `handler` for each wake-up, at most `concurrency` at a time and never twice at once for a lane while its lock is renewed. */
  consume(handler: (laneId: string) => Promise<void>, options: { readonly concurrency: number }): Consumer;
  counts(): Promise<{ readonly waiting: number; readonly active: number }>;
  /** Closes the consumers, then the connections. */
  close(): Promise<void>;
}

export interface Consumer {
  /** Takes no further wake-ups; handlers that are running go on. */
  pause(): Promise<void>;
  /** Waits for the running handlers, then lets go of the queue. */
  close(): Promise<void>;
}

interface WakeUp {
  readonly lane: string;
}

/**
 * BullMQ's `keepLastIfActive` is exactly the promise of {@link Dispatch.wake}: a wake-up that arrives while the lane's handler runs is
 * kept aside, one at most, and queued in the very step that finishes the running one. Both backends do this atomically.
 */
const wakeUpOptions = (laneId: string): JobsOptions => ({
  deduplication: { id: laneId, keepLastIfActive: true },
  removeOnComplete: true,
  removeOnFail: true,
});

const defaultLockMs = 30_000;
// A caller's request must not hang on a queue whose answer it does not need.
const wakeDeadlineMs = 3_000;

/**
 * Connects to the queue and waits until it answers.
 * @param queueUrl see {@link parseQueueUrl}; on PostgreSQL the queue's own schema `bullmq` is created there
 * @throws ErrataError `invalid_request` for a malformed URL, `unavailable` when the server cannot be reached
 */
export async function openDispatch(queueUrl: string, options: DispatchOptions = {}): Promise<Dispatch> {
  const backend = parseQueueUrl(queueUrl);
  try {
    return backend.kind === 'postgres'
      ? await openPostgres(backend.connectionString, options)
      : await openRedis(backend.connection, options);
  } catch (error) {
    if (error instanceof ErrataError) throw error;
    const reason = error instanceof Error ? error.message || error.name : String(error);
    throw new ErrataError('unavailable', `the queue cannot be reached: ${describeQueueUrl(queueUrl)}: ${reason}`, {
      details: { setting: 'QUEUE_URL' },
      cause: error,
    });
  }
}

function openPostgres(connectionString: string, options: DispatchOptions): Promise<Dispatch> {
  // BullMQ adds its search path to the options it is given, but those in a URL would replace them.
  const url = new URL(connectionString);
  const given = url.searchParams.get('options');
  url.searchParams.delete('options');
  const connection = {
    connectionString: url.href,
    migrate: true,
    max: 3,
    connectionTimeoutMillis: 10_000,
    ...(given === null ? {} : { options: given }),
  };
  return dispatchOver('postgres', withBackend(createPostgresBackend), connection, connection, options);
}

async function openRedis(address: RedisAddress, options: DispatchOptions): Promise<Dispatch> {
  const producer = await connectRedis(address, (message) => options.onWarning?.({ kind: 'connection', message }));
  const unsafe = await evictionWarning(producer);
  if (unsafe !== undefined) options.onWarning?.({ kind: 'eviction_policy', message: unsafe });
  // Consumers block on their connections: each needs its own, without a limit on retries.
  const consumer = { ...address, maxRetriesPerRequest: null };
  try {
    const dispatch = await dispatchOver('redis', withBackend(createRedisBackend), producer, consumer, options);
    return { ...dispatch, close: () => dispatch.close().finally(() => producer.disconnect()) };
  } catch (error) {
    producer.disconnect();
    throw error;
  }
}

async function dispatchOver<B extends IQueueBackend, C>(
  backend: Dispatch['backend'],
  { Queue, Worker }: BackendClasses<B, C>,
  producerConnection: NoInfer<C>,
  consumerConnection: NoInfer<C>,
  options: DispatchOptions,
): Promise<Dispatch> {
  const name = options.name ?? 'errata-lanes';
  const lockMs = options.lockMs ?? defaultLockMs;
  const warn = (kind: DispatchWarning['kind'], message: string) => options.onWarning?.({ kind, message });
  // Nobody reads the queue's event stream: it is kept short.
  const queue = new Queue<WakeUp>(name, { connection: producerConnection, streams: { events: { maxLen: 100 } } });
  queue.on('error', (error: Error) => warn('connection', error.message));
  const consumers = new Set<Consumer>();

  function consume(handler: (laneId: string) => Promise<void>, concurrency: number): Consumer {
    let paused = false;
    const process: Processor<WakeUp, void> = async (job, token) => {
      if (paused) {
        // It was fetched while the pause was being asked for: back to the queue, for another consumer.
        await job.moveToWait(token);
        throw new WaitingError();
      }
      try {
        await handler(job.data.lane);
      } catch (error) {
        warn('handler', `lane ${job.data.lane}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    const worker = new Worker<WakeUp, void>(name, process, {
      connection: consumerConnection,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: Math.max(100, lockMs / 2),
      // A wake-up is never given up: whether work fails is decided by the job in the database.
      maxStalledCount: 1_000_000_000,
      runRetryDelay: 1_000,
    });
    worker.on('error', (error: Error) => warn('connection', error.message));
    const consumer: Consumer = {
      pause: async () => {
        paused = true;
        await worker.pause(true);
      },
      close: async () => {
        paused = true;
        await worker.close();
        consumers.delete(consumer);
      },
    };
    consumers.add(consumer);
    return consumer;
  }

  try {
    await queue.waitUntilReady();
  } catch (error) {
    await queue.close().catch(() => {});
    throw error;
  }
  return {
    backend,
    wake: (laneId) => {
      const added = queue.add('wake', { lane: laneId }, wakeUpOptions(laneId)).then(
        () => true,
        (error: Error) => {
          warn('connection', `lane ${laneId} could not be woken: ${error.message}`);
          return false;
        },
      );
      const deadline = new AbortController();
      const late = sleep(wakeDeadlineMs, false, { signal: deadline.signal }).catch(() => false);
      return Promise.race([added, late]).finally(() => deadline.abort());
    },
    consume: (handler, { concurrency }) => consume(handler, concurrency),
    counts: async () => {
      const counts = await queue.getJobCounts('waiting', 'active');
      return { waiting: counts.waiting ?? 0, active: counts.active ?? 0 };
    },
    close: async () => {
      await Promise.all([...consumers].map((consumer) => consumer.close()));
      await queue.close();
    },
  };
}

/** A connection for short commands that fail fast while the server is away, and that reconnects by itself. */
async function connectRedis(address: RedisAddress, onError: (message: string) => void): Promise<Redis> {
  const redis = new Redis({
    ...address,
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    connectTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2_000),
  });
  let connected = false;
  redis.on('error', (error: Error) => {
    if (connected) onError(error.message);
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  connected = true;
  return redis;
}
