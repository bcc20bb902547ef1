// Starts and stops a private Redis on a unix socket, where a redis-server or valkey-server is installed.
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server, ServerOptions } from './postgres.ts';
import { leaveSockets, privateFolder, socketFolder } from './private-folder.ts';
import { untilReady } from './running-process.ts';

/** The path of redis-server or valkey-server, or undefined where neither is installed. */
export async function findRedisServer(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['redis-server', 'valkey-server']) {
      const path = join(folder, name);
      const usable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) return path;
    }
  }
  return undefined;
}

const socketName = 'redis.sock';

/**
 * A private Redis with an append-only file in `dataDir`, a folder that nobody else may enter. Evicts nothing: a queue must not lose
 * keys. One that an earlier run left behind is ended first: two would write to one file.
 */
export async function startRedis({
  binary,
  dataDir,
  signal,
  onOutput,
}: ServerOptions & { readonly binary: string }): Promise<Server> {
  await privateFolder(dataDir);
  const sockets = await socketFolder(dataDir, socketName);
  const socket = join(sockets, socketName);
  await endLeftBehind(socket);
  const settings = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: dataDir,
    appendonly: 'yes',
    save: '',
    'maxmemory-policy': 'noeviction',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
  signal?.throwIfAborted();
  const server = spawn(binary, flags, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk: Buffer) => {
      onOutput?.(chunk);
      if (said.length < 100_000) said += chunk;
    });
  const given = new AbortController();
  const running = await untilReady(server, {
    name: 'Redis',
    ready: untilAnswered(socket, given.signal),
    signal,
    stopWith: 'SIGTERM',
    killWith: 'SIGKILL',
    said: () => said,
  }).finally(() => given.abort());
  const stop = () => running.stop().then(() => leaveSockets(sockets, dataDir));
  return { ...running, stop, url: `redis+unix://${encodeURI(socket)}` };
}

async function untilAnswered(socket: string, given: AbortSignal): Promise<void> {
  while (!given.aborted && !(await ask(socket, 'PING'))?.startsWith('+PONG')) await sleep(10);
}

const leftBehindMs = 15_000;

async function endLeftBehind(socket: string): Promise<void> {
  for (let waited = 0; (await ask(socket, 'PING')) !== undefined; waited += 20) {
    if (waited > leftBehindMs) throw new Error(`a Redis that was left behind at ${socket} does not end`);
    // It answers to this only when it refuses.
    if (waited === 0) await ask(socket, 'SHUTDOWN');
    await sleep(20);
  }
}

/** What a server answers; undefined where none does. */
function ask(socket: string, command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => connection.write(`${command}\r\n`));
    connection.setTimeout(5_000, () => connection.destroy());
    connection.on('data', (reply) => {
      connection.destroy();
      resolve(reply.toString());
    });
    connection.on('error', () => {});
    connection.on('close', () => resolve(undefined));
  });
}
