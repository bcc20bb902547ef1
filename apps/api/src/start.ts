// Opens what the server needs, in order, and closes it in reverse.
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { viewPlace } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import { startEngine, startServing } from '@errata/engine';
import { migrate, openLineage } from '@errata/lineage';
import { openDispatch } from '@errata/queue';
import type { FastifyInstance } from 'fastify';
import { type DestinationStream, type Logger, pino } from 'pino';
import { openProvider } from './admission/provider.ts';
import { builtDashboard, readDashboard } from './dashboard/built-files.ts';
import { buildServer } from './server.ts';
import type { ApiSettings } from './settings.ts';

export interface RunningApi {
  /** Where it listens, without a path. */
  readonly url: string;
  /** Answers what is in flight, ends event streams, then lets go of everything. Calling it again is harmless. */
  close(): Promise<void>;
}

/** Requests in flight get this long to end once closing has begun. */
const closeGraceMs = 10_000;

/** @throws ErrataError `unavailable` when the database or the queue cannot be reached, `schema_mismatch`, `cannot_listen` */
export async function startApi(settings: ApiSettings, log: Logger = createLog(settings)): Promise<RunningApi> {
  const applied = await migrate(settings.databaseUrl);
  if (applied.length > 0) log.info({ migrations: applied }, 'the schema was brought up to date');
  const opened: (() => Promise<void>)[] = [];
  const closeOpened = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const lineage = await openLineage(settings.databaseUrl, {
      onConnectionError: (err) => log.warn({ err }, 'a database connection broke'),
    });
    opened.push(() => lineage.close());
    const dispatch = await openDispatch(settings.queueUrl, {
      onWarning: ({ kind, message }) => log.warn({ kind }, message),
    });
    opened.push(() => dispatch.close());
    const dashboard = await readDashboard(builtDashboard);
    if (dashboard === undefined) log.warn('the dashboard has not been built: run `npm run build -w apps/web`');
    const engineSettings = { ...settings.blobs, ...settings.engine };
    const logged = { onLog: (line: string) => log.info({ engine: true }, line) };
    const [engine, tokenizers] = [startEngine(engineSettings, logged), startEngine(engineSettings, logged)];
    const serving = { ...engineSettings, ...settings.serving.engine };
    const servers = startServing(serving, settings.serving.engines, logged);
    for (const started of [engine, tokenizers, servers]) opened.push(() => started.stop());
    const app = await buildServer(
      { lineage, dispatch, blobs: viewPlace(settings.blobs), servers, engine, tokenizers },
      {
        logger: log,
        corsOrigins: settings.corsOrigins,
        webhookAddresses: settings.webhookAddresses,
        dashboard,
        provider: settings.provider && openProvider(settings.provider),
        warmModels: settings.serving.warm,
        limits: {
          bodyLimit: settings.bodyLimit,
          rateLimit: settings.rateLimit,
          completionQueue: settings.completionQueue,
          jobsPerKey: settings.jobsPerKey,
          streamsPerKey: settings.streamsPerKey,
          requestTimeoutMs: settings.requestTimeoutMs,
        },
      },
    );
    opened.push(() => Promise.race([app.close(), sleep(closeGraceMs, undefined, { ref: false })]));
    await listen(app, settings);
    const { port } = app.server.address() as AddressInfo;
    const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
    return { url: `http://${host}:${port}`, close: closeOpened };
  } catch (error) {
    await closeOpened();
    throw error;
  }
}

/** Why an address cannot be listened at, and what to do, by the system's code. */
const listenFailures: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; stop it, or choose another port',
  EACCES: 'this user may not; choose a port above 1023',
  EADDRNOTAVAIL: 'this machine has no such address; choose another host',
  ENOTFOUND: 'there is no such host; choose another',
};

async function listen(app: FastifyInstance, { host, port }: Pick<ApiSettings, 'host' | 'port'>): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const why = listenFailures[(cause as NodeJS.ErrnoException).code ?? ''];
    if (why === undefined) throw cause;
    throw new ErrataError('cannot_listen', `the API cannot listen on ${host}:${port}: ${why}`, {
      details: { host, port },
      cause,
    });
  }
}

/** @param destination standard output unless given */
export const createLog = (settings: Pick<ApiSettings, 'logLevel'>, destination?: DestinationStream): Logger =>
  pino(
    { name: 'errata-api', level: settings.logLevel, redact: ['req.headers.authorization', 'req.headers.cookie'] },
    ...(destination === undefined ? [] : [destination]),
  );
