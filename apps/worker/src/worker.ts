// A worker: takes wake-ups from the queue, works the lanes they name, and looks after lanes that nobody works.
import { describePlace, openBlobs } from '@errata/blobs';
import { startEngine } from '@errata/engine';
import { migrate, openLineage } from '@errata/lineage';
import { describeQueueUrl, openDispatch } from '@errata/queue';
import { makeSnapshots, type Snapshots } from '@errata/upkeep';
import type { Logger } from 'pino';
import { Interruption } from './attempts/failed-attempt.ts';
import type { WorkerContext } from './context.ts';
import { startClock } from './lanes/clock.ts';
import { startHeartbeat } from './lanes/heartbeat.ts';
import { answerWakeUp } from './lanes/lane.ts';
import { startReconciler } from './lanes/reconciler.ts';
import { createMetrics, serveMetrics } from './metrics.ts';
import { modelReference } from './models.ts';
import type { WorkerSettings } from './settings.ts';
import { startWebhookSender } from './webhooks/sender.ts';

export interface Worker {
  /** Port of the health and metrics server; null when there is none. */
  readonly metricsPort: number | null;
  /** Once it was asked to take no more, and what it was at has ended; until then it waits. */
  readonly drained: Promise<void>;
  /** Takes nothing more, lets running jobs finish within the grace period, hands the others back, and closes everything. */
  stop(): Promise<void>;
}

/** What may be left to do once running jobs have been told to stop: writing that down, and closing connections. */
const closingMs = 3_000;

/**
 * Connects to everything and starts working.
 * @throws ErrataError `unavailable` when the database or the queue cannot be reached, `schema_mismatch`, `storage_failed`
 */
export async function startWorker(settings: WorkerSettings, log: Logger): Promise<Worker> {
  const closers: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse())
      await close().catch((error) => log.warn({ error }, 'closing failed'));
  };
  try {
    const applied = await migrate(settings.databaseUrl);
    if (applied.length > 0) log.info({ migrations: applied }, 'brought the database up to date');
    const lineage = await openLineage(settings.databaseUrl, {
      onConnectionError: (error) => log.warn({ error }, 'a database connection broke'),
    });
    closers.push(() => lineage.close());
    const blobs = await openBlobs(settings.blobs);
    const dispatch = await openDispatch(settings.queueUrl, {
      lockMs: settings.leaseMs,
      onWarning: ({ kind, message }) => log.warn({ warning: kind }, message),
    });
    closers.push(() => dispatch.close());
    // Closed after the engine, without which it has nothing left to do, and before the database.
    let snapshots: Snapshots | undefined;
    closers.push(async () => snapshots?.settled());
    const engine = startEngine(
      { ...settings.blobs, ...settings.engine },
      { onLog: (line) => log.debug({ engine: line }, 'engine'), silenceMs: settings.engineSilenceMs },
    );
    closers.push(() => engine.stop());

    let draining = false;
    const stopping = new AbortController();
    const metrics = createMetrics(() => engine.rss());
    snapshots = makeSnapshots({
      lineage,
      fold: (model, source) => engine.call('snapshot', { model: modelReference(model), source }),
      onStored: (snapshot) => {
        metrics.snapshotStored(snapshot.bytes);
        log.info(snapshot, 'stored a version whole');
      },
      onFailure: (error, about) => log.warn({ about, error }, 'no snapshot was stored'),
    });
    const context: WorkerContext = {
      settings,
      lineage,
      dispatch,
      engine,
      blobs,
      metrics,
      snapshots,
      log,
      stopping: stopping.signal,
      draining: () => draining,
      declined: new Map(),
    };
    const server =
      settings.metrics === null
        ? null
        : await serveMetrics(metrics.registry, () => problemsOf(context), settings.metrics);
    if (server !== null) closers.push(() => server.close());
    const consumer = dispatch.consume((lane) => answerWakeUp(context, lane), { concurrency: settings.concurrency });
    const clock = startClock(context);
    const reconciler = startReconciler(context);
    const webhooks = startWebhookSender(context);
    const close = async () => {
      draining = true;
      // In this order, so that a wake-up that arrives now goes back to the queue instead of being taken for nothing.
      await Promise.all([consumer.pause(), clock.stop(), reconciler.stop(), webhooks.stop()]);
      await consumer.close();
      await heartbeat.stop();
      await closeAll();
    };
    let closed: Promise<void> | undefined;
    const closeOnce = () => {
      closed ??= close();
      return closed;
    };
    let drained = () => {};
    const drain = new Promise<void>((resolve) => {
      drained = resolve;
    });
    const heartbeat = await startHeartbeat(lineage, settings, () => {
      log.info('asked to take no more');
      // Behind what is being started here.
      setImmediate(() => void closeOnce().then(drained));
    });
    log.info(
      {
        worker: settings.name,
        queue: describeQueueUrl(settings.queueUrl),
        blobs: describePlace(settings.blobs),
        concurrency: settings.concurrency,
        ...(server === null ? {} : { metrics_port: server.port }),
      },
      'worker ready',
    );

    const stop = async () => {
      const grace = setTimeout(() => {
        stopping.abort(new Interruption('hand_back', 'the worker is stopping'));
      }, settings.stopGraceMs);
      const late = new Promise<void>((resolve) => {
        setTimeout(resolve, settings.stopGraceMs + closingMs).unref();
      });
      draining = true;
      await Promise.race([Promise.all([heartbeat.stop(), closeOnce()]), late]);
      clearTimeout(grace);
    };
    let stopped: Promise<void> | undefined;
    return {
      metricsPort: server?.port ?? null,
      drained: drain,
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function problemsOf({ lineage, dispatch, draining }: WorkerContext): Promise<readonly string[]> {
  const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));
  const found = await Promise.all([
    lineage.prisma.$queryRaw`SELECT 1`.then(
      () => null,
      (error) => `database: ${reason(error)}`,
    ),
    dispatch.counts().then(
      () => null,
      (error) => `queue: ${reason(error)}`,
    ),
    draining() ? 'the worker is stopping' : null,
  ]);
  return found.filter((problem) => problem !== null);
}
