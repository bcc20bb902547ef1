// Dispatch: tells workers that a lane has work. What that work is stands in the database; a wake-up carries a lane's id and no more.
import { ErrataError } from '@errata/contracts';
import {
  type BackendClasses,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  type JobsOptions,
  withBackend,
} from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Board, BoardOptions } from './board.ts';
import { evictionWarning } from './eviction.ts';
import { describeQueueUrl, parseQueueUrl, type RedisAddress } from './queue-url.ts';
import { type Consumer, type DispatchWarning, inTime, startConsumer, type Wiring } from './wiring.ts';

export interface DispatchOptions {
  /** Told of unsafe server settings and of trouble with the connection, which mends itself. Nothing is thrown for these. */
  readonly onWarning?: (warning: DispatchWarning) => void;
  /** How long a wake-up stays with a consumer that has stopped renewing it, in ms. The worker's lease should last as long. */
  readonly lockMs?: number;
  /** Name of the queue, for several independent ones on one server. */
  readonly name?: string;
}

export interface Dispatch {
  readonly backend: 'redis' | 'postgres';
  /**
   * Asks that somebody looks after this call what there is to do, on account of this lane. While one such wake-up waits no second is added; once
   * a consumer has it, another can be. Resolves to false when the queue could not be reached: nothing is lost, since the reconciler asks again.
   */
  wake(laneId: string): Promise<boolean>;
  /** Calls `handler` for each wake-up, at most `concurrency` at a time. */
  consume(handler: (laneId: string) => Promise<void>, options: { readonly concurrency: number }): Consumer;
  counts(): Promise<{ readonly waiting: number; readonly active: number }>;
  /** The wake-ups one by one, as Bull Board shows them; nothing of it is loaded before. */
  board(options: BoardOptions): Promise<Board>;
  /** Closes the consumers, then the connections. */
  close(): Promise<void>;
}

interface WakeUp {
  readonly lane: string;
}

/**
 * One wake-up waits for a lane at most. A consumer that takes it frees its place (`startConsumer`); a wake-up that comes before, or where that
 * fails, is kept aside and queued in the very step that finishes the one that was taken.
 */
const wakeUpOptions = (laneId: string): JobsOptions => ({
  deduplication: { id: laneId, keepLastIfActive: true },
  removeOnComplete: true,
  removeOnFail: true,
});

const defaultLockMs = 30_000;

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

async function openPostgres(connectionString: string, options: DispatchOptions): Promise<Dispatch> {
  // BullMQ adds its search path to the options it is given, but those in a URL would replace them.
  const url = new URL(connectionString);
  const given = url.searchParams.get('options');
  url.searchParams.delete('options');
  const connection = {
    connectionString: url.href,
    migrate: true,
    max: 3,
    connectionTimeoutMillis: 10_000,
    Client: SteadyClient,
    ...(given === null ? {} : { options: given }),
  };
  return dispatchOver(
    'postgres',
    withBackend(createPostgresBackend),
    { producer: connection, consumer: connection },
    options,
  );
}

/**
 * A pool hears of connections that break while they are idle. One that breaks in use fails the query it is asked next; but unless
 * somebody listens, it ends the process before.
 */
class SteadyClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => {});
  }
}

async function openRedis(address: RedisAddress, options: DispatchOptions): Promise<Dispatch> {
  const producer = await connectRedis(address, (message) => options.onWarning?.({ kind: 'connection', message }));
  const unsafe = await evictionWarning(producer);
  if (unsafe !== undefined) options.onWarning?.({ kind: 'eviction_policy', message: unsafe });
  // Consumers block on their connections: each needs its own, without a limit on retries.
  const consumer = { ...address, maxRetriesPerRequest: null };
  try {
    const dispatch = await dispatchOver('redis', withBackend(createRedisBackend), { producer, consumer }, options);
    return { ...dispatch, close: () => dispatch.close().finally(() => producer.disconnect()) };
  } catch (error) {
    producer.disconnect();
    throw error;
  }
}

async function dispatchOver<B extends IQueueBackend, C>(
  backend: Dispatch['backend'],
  classes: BackendClasses<B, C>,
  { producer, consumer }: Pick<Wiring<B, NoInfer<C>>, 'producer' | 'consumer'>,
  options: DispatchOptions,
): Promise<Dispatch> {
  const { name = 'errata-lanes', lockMs = defaultLockMs } = options;
  const warn = (kind: DispatchWarning['kind'], message: string) => options.onWarning?.({ kind, message });
  const wiring: Wiring<B, C> = { classes, producer, consumer, lockMs, warn };
  // Nobody reads the queue's event stream: it is kept short.
  const queue = new classes.Queue<WakeUp>(name, { connection: producer, streams: { events: { maxLen: 100 } } });
  queue.on('error', (error: Error) => warn('connection', error.message));
  const consumers = new Set<Consumer>();
  const kept = (started: Consumer): Consumer => {
    const consumer = { ...started, close: () => started.close().then(() => void consumers.delete(consumer)) };
    consumers.add(consumer);
    return consumer;
  };

  try {
    await queue.waitUntilReady();
  } catch (error) {
    await queue.close().catch(() => {});
    throw error;
  }
  return {
    backend,
    wake: (laneId) =>
      inTime(queue.add('wake', { lane: laneId }, wakeUpOptions(laneId)), (reason) =>
        warn('connection', `lane ${laneId} could not be woken: ${reason}`),
      ),
    consume: (handler, { concurrency }) =>
      kept(
        startConsumer<WakeUp, B, C>(wiring, name, ({ lane }) => handler(lane), {
          concurrency,
          label: ({ lane }) => `lane ${lane}`,
        }),
      ),
    counts: async () => {
      const counts = await queue.getJobCounts('waiting', 'active');
      return { waiting: counts.waiting ?? 0, active: counts.active ?? 0 };
    },
    board: async (options) => (await import('./board.ts')).openBoard(queue, options),
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
