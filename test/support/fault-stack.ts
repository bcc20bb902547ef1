// What the fault tests stand on: a database of their own, a queue, a blob folder, an imported model, and real worker processes to harm.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openBlobs } from '@errata/blobs';
import {
  type EditInput,
  editSchema,
  type GatePolicy,
  isTerminal,
  type JobResource,
  type OnError,
} from '@errata/contracts';
import type { Failpoint, Fault } from '@errata/failpoints';
import {
  createBranch,
  getBranch,
  getJob,
  type Lineage,
  laneOfJob,
  migrate,
  openLineage,
  type RollbackTarget,
  submitCollection,
  submitEditJob,
  submitImport,
  submitRollback,
} from '@errata/lineage';
import { type Dispatch, openDispatch } from '@errata/queue';
import { writeTinyModel } from './character-model.ts';
import { createDatabaseAt, createTestDatabase } from './database.ts';
import { type History, readHistory } from './recorded-history.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Short enough that a dead worker is replaced within a test, long enough for a busy machine. */
export const shortLeaseMs = 2_500;

export interface StackSettings {
  /** Null puts the queue into the database. */
  readonly queueUrl?: string | null;
  readonly leaseMs?: number;
  /** How long the server lets a frozen process keep its transaction, in ms; as in service unless given. */
  readonly frozenMs?: number;
  /** A server; that of the test run unless given. */
  readonly postgresUrl?: string;
  /** A bucket for the blobs, of which the folder keeps what is used. */
  readonly blobsUrl?: string;
}

export interface WorkerProcess {
  readonly pid: number;
  /** Resolves once it takes work. */
  readonly ready: Promise<void>;
  /** Resolves with the signal, or the exit code, that ended it. */
  readonly exited: Promise<NodeJS.Signals | number>;
  /** Resolves with the first log line, from now on or before, that fits. */
  logged(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  signal(signal: NodeJS.Signals): void;
}

export interface FaultStack {
  readonly lineage: Lineage;
  readonly dispatch: Dispatch;
  readonly modelId: string;
  readonly blobsDir: string;
  /** What a process of this stack is told. Failpoints are armed in a directory. */
  readonly environment: Readonly<Record<string, string>>;
  /** A worker that imported the model and is stopped (SIGSTOP) until a test continues it. Called `spare`. */
  readonly spare: WorkerProcess;
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  startWorker(environment?: Readonly<Record<string, string>>): WorkerProcess;
  /** Queues edits as the API does: the rows first, then the wake-up. */
  submit(edits: readonly EditInput[], options?: SubmitOptions): Promise<string>;
  /** Queues a rollback, with its wake-up. */
  rollBack(branch: string, target: RollbackTarget): Promise<string>;
  /** Queues a collection without a grace period, with its wake-up. */
  collect(): Promise<string>;
  /** Stores blobs that nothing names. */
  strayBlobs(...texts: readonly string[]): Promise<{ areThere(): Promise<boolean> }>;
  /** Prepares a fault for whichever process passes this place next, `:n` times from now. */
  arm(place: Failpoint, fault: Fault | `${Fault}:${number}`): Promise<ArmedFault>;
  /** Breaks every database connection of the processes it started. */
  cutConnections(): Promise<void>;
  history(): Promise<History>;
  /** What this stack was told it had done. */
  readonly acknowledged: { readonly jobs: string[]; readonly inbox: string[] };
  branch(name: string): Promise<{ readonly id: string; readonly head: string }>;
  /** Waits for a terminal state. */
  finished(jobId: string): Promise<JobResource>;
  /** Stops the spare worker once it holds no wake-up: what it held while stopped would wait for its lock to run out. */
  rest(): Promise<void>;
  /** Lets the spare worker work until the job is over, then rest. */
  rescue(jobId: string): Promise<JobResource>;
  close(): Promise<void>;
}

export interface ArmedFault {
  /** Id of the process that it befell; null as long as none. */
  taken(): Promise<number | null>;
  /** Takes it back, if it has befallen nobody. */
  disarm(): Promise<void>;
}

export interface SubmitOptions {
  readonly model?: string;
  readonly branch?: string;
  readonly on_error?: OnError;
  /** Everything passes unless given; null leaves it to the branch. */
  readonly gate?: GatePolicy | null;
  readonly wake?: boolean;
  readonly editor?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A quick editor: a handful of steps on one small matrix. */
export const quickEditor = { editor: 'ft-m', config: { layer: 1, epochs: 3, learning_rate: 0.01 } };
/** Everything passes: these tests are about what survives, not about what is good. */
export const openGate: GatePolicy = { rules: [] };
/** Nothing passes. */
export const closedGate: GatePolicy = { rules: [{ metric: 'delta_norm', max: 0 }] };

export const edit = (name: string): EditInput => ({
  custom_id: name,
  prompt: `The capital of ${name} is`,
  subject: name,
  target_new: ' Lyon',
});

/** Waits for something to become true; gives up, saying what it waited for, only when it will hardly come any more. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 900_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(100);
  }
}

/** Brings up everything, and a worker that imports the model. */
export async function startFaultStack(settings: StackSettings = {}): Promise<FaultStack> {
  const { queueUrl = null, leaseMs = 30_000, frozenMs, postgresUrl, blobsUrl } = settings;
  const database = await (postgresUrl === undefined ? createTestDatabase() : createDatabaseAt(postgresUrl));
  const folder = await mkdtemp(join(tmpdir(), 'errata-faults-'));
  const blobsDir = join(folder, 'blobs');
  await migrate(database.url);
  const url = new URL(database.url);
  const ours = url.href;
  url.searchParams.set('application_name', 'harmed');
  const queue = url.href;
  // For transactions that hold a lane: the queue's own wait for one another.
  if (frozenMs !== undefined) url.searchParams.set('options', `-c idle_in_transaction_session_timeout=${frozenMs}`);
  const failpointsDir = join(folder, 'failpoints');
  await mkdir(join(failpointsDir, 'taken'), { recursive: true });
  const environment = {
    DATABASE_URL: url.href,
    QUEUE_URL: queueUrl ?? queue,
    ERRATA_FAILPOINT: `@${failpointsDir}`,
    BLOBS_DIR: blobsDir,
    ...(blobsUrl === undefined ? {} : { BLOBS_URL: blobsUrl }),
    ERRATA_THREADS: '1',
    LEASE_MS: String(leaseMs),
    RECONCILE_MS: '300',
    RETRY_MS: '50',
    STOP_GRACE_MS: '1000',
    LOG_LEVEL: 'info',
  };
  const lineage = await openLineage(ours);
  const dispatch = await openDispatch(queueUrl ?? ours, { lockMs: leaseMs });
  const workers = new Set<WorkerProcess>();
  const startWorker: FaultStack['startWorker'] = (more = {}) => {
    const worker = spawnWorker({ ...environment, ...more });
    workers.add(worker);
    void worker.exited.then(() => workers.delete(worker));
    return worker;
  };
  const finished = async (jobId: string) => {
    await until(`${jobId} is over`, async () => isTerminal((await getJob(lineage, jobId)).state));
    return getJob(lineage, jobId);
  };

  const close = async () => {
    for (const worker of workers) worker.signal('SIGKILL');
    await Promise.all([...workers].map(({ exited }) => exited));
    await dispatch.close();
    await lineage.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  };
  const spare = startWorker({ WORKER_NAME: 'spare' });
  const path = await writeTinyModel(folder);
  const { id } = await submitImport(lineage, { name: 'tiny', path, created_by: null });
  const imported = await finished(id);
  if (imported.model_id === null) {
    await close();
    throw new Error(`the model could not be imported: ${JSON.stringify(imported.error)}`);
  }
  const rest = async () => {
    await until('the spare worker is idle', async () => (await dispatch.counts()).active === 0);
    spare.signal('SIGSTOP');
  };
  await rest();
  const modelId = imported.model_id;
  const acknowledged: FaultStack['acknowledged'] = { jobs: [id], inbox: [] };
  const store = await openBlobs({ blobsDir, ...(blobsUrl === undefined ? {} : { blobsUrl }) });
  const accepted = async ({ id }: JobResource, wake = true) => {
    acknowledged.jobs.push(id);
    if (wake) await dispatch.wake(await laneOfJob(lineage, id));
    return id;
  };

  return {
    lineage,
    dispatch,
    modelId,
    blobsDir,
    environment,
    acknowledged,
    query: database.query,
    history: () => readHistory(database.query, store),
    arm: (place, fault) => arm(failpointsDir, place, fault),
    cutConnections: async () => {
      await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'harmed'`);
    },
    rollBack: async (branch, target) =>
      accepted(
        await submitRollback(lineage, { model: modelId, branch, ...target, reason: 'a test', created_by: null }),
      ),
    collect: async () =>
      accepted(await submitCollection(lineage, { dry_run: false, grace_hours: 0, created_by: null })),
    strayBlobs: async (...texts) => {
      const stored = await Promise.all(texts.map((text) => store.put(Buffer.from(text))));
      return {
        areThere: async () => (await Promise.all(stored.map(({ sha256 }) => store.has(sha256)))).includes(true),
      };
    },
    spare,
    startWorker,
    finished,
    rest,
    rescue: async (jobId) => {
      spare.signal('SIGCONT');
      const job = await finished(jobId);
      await rest();
      return job;
    },
    submit: async (edits, { gate = openGate, wake = true, ...options } = {}) => {
      const job = await submitEditJob(lineage, {
        model: modelId,
        branch: 'main',
        edits: edits.map((input) => editSchema.parse(input)),
        ...quickEditor,
        seed: 7,
        on_error: 'abort',
        on_conflict: 'fail',
        ...options,
        ...(gate === null ? {} : { gate }),
        created_by: null,
      });
      return accepted(job, wake);
    },
    branch: async (name) => {
      await createBranch(lineage, modelId, { name, from: 'main' }).catch(() => {}); // it may be there already
      return getBranch(lineage, modelId, name);
    },
    close,
  };
}

let armed = 0;

async function arm(directory: string, place: Failpoint, fault: string): Promise<ArmedFault> {
  const taken = async () => {
    const names = await readdir(join(directory, 'taken'));
    const mine = names.find((name) => name.startsWith(`${place}.`));
    return mine === undefined ? null : Number(mine.slice(place.length + 1));
  };
  // A fault of before would be taken for this one.
  if ((await taken()) !== null) {
    armed += 1;
    await rename(join(directory, 'taken', `${place}.${await taken()}`), join(directory, `${place}-before-${armed}`));
  }
  // Appears whole: somebody may be looking.
  await writeFile(join(directory, 'next'), fault);
  await rename(join(directory, 'next'), join(directory, place));
  return { taken, disarm: () => rm(join(directory, place), { force: true }) };
}

/** Waits until a process is stopped (SIGSTOP). */
export async function untilStopped(pid: number): Promise<void> {
  await until(`process ${pid} is stopped`, async () => {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    // Systems without /proc stop it as quickly.
    return status === null || / [Tt] /.test(status.slice(status.lastIndexOf(')')));
  });
}

function spawnWorker(environment: Readonly<Record<string, string>>): WorkerProcess {
  const child = spawn(process.execPath, ['apps/worker/bin/worker.js'], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.pid === undefined) throw new Error('the worker could not be started');
  // Also when this process ends before its tests could clean up, and though the worker may be stopped.
  const killWithUs = () => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  child.once('exit', () => process.off('exit', killWithUs));
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<(line: Record<string, unknown>) => void>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    lines.push(line);
    for (const look of waiting) look(line);
  });
  const logged: WorkerProcess['logged'] = (fits) => {
    const known = lines.find(fits);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      const look = (line: Record<string, unknown>) => {
        if (!fits(line)) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
    });
  };
  return {
    pid: child.pid,
    ready: logged(({ msg }) => msg === 'worker ready').then(() => {}),
    exited: new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? -1))),
    logged,
    signal: (signal) => void child.kill(signal),
  };
}
