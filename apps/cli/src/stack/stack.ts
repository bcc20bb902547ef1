// The whole service on one machine: starts what is missing (PostgreSQL, Redis), then the API and workers as processes of their own.
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ErrataError, fromPlainError } from '@errata/contracts';
import type { ProcessReport } from '@errata/host';
import { migrate } from '@errata/lineage';
import {
  findRedisServer,
  freePort,
  privateFolder,
  type RunningProcess,
  startPostgres,
  startRedis,
  untilReady,
} from '@errata/local-services';
import { given } from '../arguments/environment.ts';
import { type Connection, connectionFile } from '../service/connection.ts';
import { openBoundedLog } from './bounded-log.ts';
import { holdDataDir } from './data-dir-lock.ts';
import type { Interrupts } from './interrupts.ts';
import { stackKey } from './stack-key.ts';
import { type Supervised, supervise } from './supervisor.ts';

export interface StackOptions {
  /** Where the database, the queue's log, the blobs and the processes' logs live. */
  readonly dataDir: string;
  readonly workers: number;
  /** 0 chooses a free port. */
  readonly port: number;
  readonly host: string;
  /** Where to leave the address and key for other commands; the demo leaves none. */
  readonly saveConnection: boolean;
  /** Breaks off the start; in a hurry, whatever still runs is killed. */
  readonly interrupts: Interrupts;
  readonly onStep: (step: string) => void;
  /** Told of every process that dies, and of its being started again. */
  readonly say: (line: string) => void;
}

export interface Stack {
  readonly url: string;
  readonly apiKey: string;
  readonly databaseUrl: string;
  readonly queue: 'redis' | 'postgres' | 'given';
  readonly dataDir: string;
  /** Stops the processes in order: API and workers, then the queue, then the database. */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const mains = { api: 'apps/api/bin/api.js', worker: 'apps/worker/bin/worker.js' } as const;

/**
 * Brings the stack up and keeps it running. Servers given by DATABASE_URL and QUEUE_URL are used as they are; otherwise private ones
 * are started. When it rejects, nothing is left running.
 * @throws ErrataError `data_dir_in_use`, `unavailable`, and what the API refuses to start for
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, onStep, say } = options;
  const { stop: interrupted, hurry } = options.interrupts;
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  const kept: Supervised[] = [];
  hurry.addEventListener('abort', () => {
    for (const { kill } of kept) kill();
  });
  const keep = async (name: string, start: (signal: AbortSignal) => Promise<RunningProcess>): Promise<Supervised> => {
    const supervised = await supervise({ name, start }, say, interrupted);
    kept.push(supervised);
    return supervised;
  };
  try {
    const port = options.port === 0 ? await freePort() : options.port;
    const url = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
    // The database of root runs as another user, who must be able to enter.
    await mkdir(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    // From here on, what runs in there was left by a stack that is dead.
    const { release, takenOver } = await holdDataDir(dataDir, url);
    closers.push(release);
    const logs = await privateFolder(join(dataDir, 'logs'));
    const logOf = (name: string) => join(logs, `${name}.log`);

    onStep('database');
    let databaseUrl = given('DATABASE_URL');
    if (databaseUrl === undefined) {
      const log = openBoundedLog(logOf('postgres'));
      const database = await keep('the database', async (signal) => {
        const server = await startPostgres({ dataDir: join(dataDir, 'postgres'), signal, onOutput: log.write });
        databaseUrl = server.url;
        return server;
      });
      closers.push(database.stop);
    }
    if (databaseUrl === undefined) throw new ErrataError('internal', 'the database has no address');

    onStep('queue');
    const redis = given('QUEUE_URL') === undefined ? await findRedisServer() : undefined;
    let queueUrl = given('QUEUE_URL') ?? databaseUrl;
    if (redis !== undefined) {
      const log = openBoundedLog(logOf('redis'));
      const queue = await keep('the queue', async (signal) => {
        const server = await startRedis({
          binary: redis,
          dataDir: join(dataDir, 'redis'),
          signal,
          onOutput: log.write,
        });
        queueUrl = server.url;
        return server;
      });
      closers.push(queue.stop);
    }

    onStep('migrations');
    await migrate(databaseUrl);
    interrupted.throwIfAborted();
    const apiKey = await stackKey(databaseUrl, dataDir);

    const env = {
      ...process.env,
      DATABASE_URL: databaseUrl,
      QUEUE_URL: queueUrl,
      BLOBS_DIR: given('BLOBS_DIR') ?? (await privateFolder(join(dataDir, 'blobs'))),
      HOST: options.host,
      PORT: String(port),
    };
    onStep('API');
    const programs: Supervised[] = [];
    closers.push(() => Promise.all(programs.map((program) => program.stop())));
    const startApi = ours('the API', mains.api, env, logOf('api'));
    programs.push(await keep('the API', takenOver ? whilePortIsTaken(startApi) : startApi));
    onStep('workers');
    const numbers = Array.from({ length: options.workers }, (_, index) => index + 1);
    const started = await Promise.allSettled(
      numbers.map(async (number) => {
        const name = `worker ${number}`;
        const start = ours(name, mains.worker, { ...env, ...ownSettings(number) }, logOf(`worker-${number}`));
        programs.push(await keep(name, start));
      }),
    );
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    interrupted.throwIfAborted();

    if (options.saveConnection) {
      const file = connectionFile(dataDir);
      const connection: Connection = { url, api_key: apiKey, database_url: databaseUrl };
      await rm(file, { force: true });
      await writeFile(file, `${JSON.stringify(connection, null, 2)}\n`, { mode: 0o600 });
      closers.push(() => rm(file, { force: true }));
    }
    const queue = redis !== undefined ? 'redis' : given('QUEUE_URL') === undefined ? 'postgres' : 'given';
    return { url, apiKey, databaseUrl, queue, dataDir, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What workers of one stack cannot share: a name and a port. */
function ownSettings(number: number): NodeJS.ProcessEnv {
  const [name, port] = [given('WORKER_NAME'), Number(given('METRICS_PORT') ?? 0)];
  return {
    ...(name === undefined || number === 1 ? {} : { WORKER_NAME: `${name}-${number}` }),
    ...(port === 0 ? {} : { METRICS_PORT: String(port + number - 1) }),
  };
}

/** A program of ours, as a process that tells when it is ready. */
const ours =
  (name: string, main: string, env: NodeJS.ProcessEnv, logFile: string) =>
  (signal: AbortSignal): Promise<RunningProcess> => {
    const log = openBoundedLog(logFile);
    const child = spawn(process.execPath, [join(root, main)], {
      env,
      cwd: root,
      // The channel also breaks when we die, whatever killed us, and the process then ends too.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true, // Ctrl-C is for us: we stop the processes in order
    });
    child.stdout?.on('data', log.write);
    child.stderr?.on('data', log.write);
    child.once('close', log.close);
    const ready = new Promise<void>((resolve, reject) => {
      child.on('message', (report: ProcessReport) => {
        if ('ready' in report) resolve();
        else reject(fromPlainError(report.refused));
      });
    });
    return untilReady(child, { name, ready, signal, stopWith: 'SIGTERM', killWith: 'SIGKILL', log: logFile });
  };

/** The API of a stack that has just died lets go of its port in a moment. */
const leftPortMs = 15_000;

const whilePortIsTaken =
  (start: (signal: AbortSignal) => Promise<RunningProcess>) =>
  async (signal: AbortSignal): Promise<RunningProcess> => {
    for (const began = performance.now(); ; ) {
      try {
        return await start(signal);
      } catch (error) {
        const taken = error instanceof ErrataError && error.code === 'cannot_listen';
        if (!taken || performance.now() - began > leftPortMs) throw error;
        await sleep(200, undefined, { signal }).catch(() => {});
        signal.throwIfAborted();
      }
    }
  };
