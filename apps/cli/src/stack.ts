// The whole service on one machine: starts what is missing (PostgreSQL, Redis), then the API and workers as processes of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ErrataError, fromPlainError, type ProcessReport } from '@errata/contracts';
import { migrate } from '@errata/lineage';
import { findRedisServer, freePort, startPostgres, startRedis } from '@errata/local-services';
import { type Connection, connectionFile } from './connection.ts';
import { holdDataDir } from './data-dir-lock.ts';
import { stackKey } from './stack-key.ts';

export interface StackOptions {
  /** Where the database, the queue's log, the blobs and the processes' logs live. */
  readonly dataDir: string;
  readonly workers: number;
  /** 0 chooses a free port. */
  readonly port: number;
  readonly host: string;
  /** Where to leave the address and key for other commands; the demo leaves none. */
  readonly saveConnection: boolean;
  readonly onStep?: (step: string) => void;
}

export interface Stack {
  readonly url: string;
  readonly apiKey: string;
  readonly queue: 'redis' | 'postgres' | 'given';
  readonly dataDir: string;
  /** Stops the processes in order: API and workers, then the queue, then the database. */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const mains = { api: 'apps/api/bin/api.js', worker: 'apps/worker/bin/worker.js' } as const;

/**
 * Brings the stack up. Servers given by DATABASE_URL and QUEUE_URL are used as they are; otherwise private ones are started.
 * @throws ErrataError `data_dir_in_use`, `unavailable`, and what the API refuses to start for
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const step = options.onStep ?? (() => {});
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const port = options.port === 0 ? await freePort() : options.port;
    const url = `http://${options.host}:${port}`;
    await mkdir(options.dataDir, { recursive: true });
    // From here on, a database that runs in there was left by a stack that is dead, and may be adopted.
    closers.push(await holdDataDir(options.dataDir, url));
    step('database');
    const databaseUrl = process.env.DATABASE_URL ?? (await privateDatabase(options.dataDir, closers));
    step('queue');
    const queue = await chooseQueue(options.dataDir, databaseUrl, closers);
    step('migrations');
    await migrate(databaseUrl);
    const apiKey = await stackKey(databaseUrl, options.dataDir);

    const env = {
      ...process.env,
      DATABASE_URL: databaseUrl,
      QUEUE_URL: queue.url,
      BLOBS_DIR: process.env.BLOBS_DIR ?? join(options.dataDir, 'blobs'),
      HOST: options.host,
      PORT: String(port),
    };
    step('API');
    const logs = join(options.dataDir, 'logs');
    await mkdir(logs, { recursive: true });
    const api = supervise('api', mains.api, env, join(logs, 'api.log'));
    closers.push(api.stop);
    step('workers');
    for (let i = 1; i <= options.workers; i++) {
      closers.push(supervise(`worker ${i}`, mains.worker, env, join(logs, `worker-${i}.log`)).stop);
    }
    await untilReady(url, api, join(logs, 'api.log'));
    if (options.saveConnection) {
      const file = connectionFile(options.dataDir);
      const connection: Connection = { url, api_key: apiKey, database_url: databaseUrl };
      await writeFile(file, `${JSON.stringify(connection, null, 2)}\n`, { mode: 0o600 });
      closers.push(() => rm(file, { force: true }));
    }
    return { url, apiKey, queue: queue.kind, dataDir: options.dataDir, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function privateDatabase(dataDir: string, closers: (() => Promise<void>)[]): Promise<string> {
  const server = await startPostgres({ dataDir: join(dataDir, 'postgres') });
  closers.push(() => server.stop());
  return server.url;
}

async function chooseQueue(
  dataDir: string,
  databaseUrl: string,
  closers: (() => Promise<void>)[],
): Promise<{ url: string; kind: Stack['queue'] }> {
  if (process.env.QUEUE_URL !== undefined) return { url: process.env.QUEUE_URL, kind: 'given' };
  const binary = await findRedisServer();
  if (binary === undefined) return { url: databaseUrl, kind: 'postgres' };
  const redis = await startRedis({ binary, dataDir: join(dataDir, 'redis') });
  closers.push(() => redis.stop());
  return { url: redis.url, kind: 'redis' };
}

interface Supervised {
  /** Whether the process that runs now has said so. */
  isReady(): boolean;
  /** Why it has ended for good; undefined while it lives or will be started again. */
  gaveUp(): ErrataError | undefined;
  stop(): Promise<void>;
}

// A process that dies is started again, at most this often in a row before it is given up; one that refuses to start is not.
const restartLimit = 5;

function supervise(name: string, main: string, env: NodeJS.ProcessEnv, logFile: string): Supervised {
  const log = createWriteStream(logFile, { flags: 'a' });
  let child: ChildProcess;
  let stopping = false;
  let restarts = 0;
  let ready = false;
  let end: ErrataError | undefined;
  let gone: Promise<void> = Promise.resolve();
  const start = () => {
    const startedAt = Date.now();
    child = spawn(process.execPath, [join(root, main)], {
      env,
      cwd: root,
      // The channel also breaks when we die, whatever killed us, and the process then ends too.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true, // Ctrl-C is for us: we stop the processes in order
    });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    gone = new Promise((resolve) => child.once('close', () => resolve()));
    let refused: ErrataError | undefined;
    child.on('message', (report: ProcessReport) => {
      if ('ready' in report) ready = true;
      else refused = fromPlainError(report.refused);
    });
    child.once('close', async (code, signal) => {
      ready = false;
      if (stopping) return;
      if (refused !== undefined && !refused.retryable) {
        end = refused;
        return;
      }
      if (Date.now() - startedAt > 60_000) restarts = 0;
      restarts += 1;
      log.write(`${name} ended (${signal ?? code}); restart ${restarts} of ${restartLimit}\n`);
      if (restarts > restartLimit) {
        end = refused ?? new ErrataError('unavailable', `${name} ended again and again; its log is ${logFile}`);
        return;
      }
      await sleep(200 * restarts);
      if (!stopping) start();
    });
  };
  start();
  return {
    isReady: () => ready,
    gaveUp: () => end,
    stop: async () => {
      stopping = true;
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
        await gone;
        clearTimeout(hard);
      }
      await closed(log);
    },
  };
}

const closed = (log: WriteStream) => new Promise<void>((resolve) => log.end(() => resolve()));

async function untilReady(url: string, api: Supervised, logFile: string): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 50) {
    const end = api.gaveUp();
    if (end !== undefined) throw end;
    // Asked only once ours has said that it listens: before that, something else might answer.
    if (api.isReady() && (await fetch(`${url}/readyz`).catch(() => undefined))?.ok) return;
    await sleep(50);
  }
  throw new ErrataError('unavailable', `the API was not ready within a minute; its log is ${logFile}`);
}
