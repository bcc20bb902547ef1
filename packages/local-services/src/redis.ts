// Starts and stops a private Redis on a unix socket, where a redis-server or valkey-server is installed.
import { spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RedisServer {
  /** `redis+unix://` and the path of the socket. */
  readonly url: string;
  stop(): Promise<void>;
}

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

/**
 * A private Redis with an append-only file in `dataDir`. Evicts nothing: a queue must not lose keys.
 * @param socketDir where its socket is to be, for a server that is started again where clients look for it; else a directory of its own
 */
export async function startRedis(options: {
  binary: string;
  dataDir: string;
  socketDir?: string;
}): Promise<RedisServer> {
  await mkdir(options.dataDir, { recursive: true });
  // Socket paths are limited to 107 bytes, so never under the checkout.
  const socketDir = options.socketDir ?? (await mkdtemp(join(tmpdir(), 'errata-redis-')));
  const socket = join(socketDir, 'redis.sock');
  const settings = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    options.dataDir,
    '--appendonly',
    'yes',
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ];
  const server = spawn(options.binary, settings, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  server.stdout.on('data', (chunk) => {
    if (output.length < 100_000) output += chunk;
  });
  const exited = new Promise<void>((resolve) => server.on('close', () => resolve()));
  server.on('error', (error) => {
    output += error.message;
  });
  for (let waited = 0; !(await answers(socket)); waited += 10) {
    if (server.exitCode !== null || waited > 10_000) throw new Error(`Redis did not start: ${output.trim()}`);
    await sleep(10);
  }
  server.unref();
  return {
    url: `redis+unix://${socket}`,
    stop: async () => {
      server.ref(); // its end is waited for, even where nothing else keeps this process alive
      server.kill('SIGTERM');
      await exited;
      if (options.socketDir === undefined) await rm(socketDir, { recursive: true, force: true });
    },
  };
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => connection.write('PING\r\n'));
    connection.on('data', (reply) => {
      connection.destroy();
      resolve(reply.toString().startsWith('+PONG'));
    });
    connection.on('error', () => resolve(false));
  });
}
