// The service as a process of its own, with a Redis beside it whose memory can be asked for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findRedisServer, startRedis } from '@errata/local-services';

const errata = fileURLToPath(new URL('../../apps/cli/bin/errata.js', import.meta.url));

export interface SoakedStack {
  readonly pid: number;
  readonly url: string;
  readonly apiKey: string;
  readonly databaseUrl: string;
  /** Null where there is no Redis, and the queue is in the database. */
  readonly redisUrl: string | null;
  readonly blobsDir: string;
  stop(): Promise<void>;
}

export async function startSoaked(dataDir: string): Promise<SoakedStack> {
  const binary = await findRedisServer();
  const redis = binary === undefined ? null : await startRedis({ binary, dataDir: join(dataDir, 'redis') });
  const env = { ...process.env, ...(redis === null ? {} : { QUEUE_URL: redis.url }), JOBS_PER_KEY: '0' };
  const stack = spawn(process.execPath, [errata, 'up', '--json', '--port', '0', '--data', dataDir], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // Ctrl-C is for us: we stop it when we are done
  });
  const ended = once(stack, 'exit');
  const stop = async () => {
    stack.kill('SIGTERM');
    await ended;
    await redis?.stop();
  };
  const first = once(createInterface({ input: stack.stdout }), 'line');
  const line = await Promise.race([first, ended.then(() => null)]);
  if (line === null) {
    await redis?.stop();
    throw new Error('errata up ended before it was up');
  }
  const { url, api_key: apiKey } = JSON.parse(line[0]) as { url: string; api_key: string };
  const connection = JSON.parse(await readFile(join(dataDir, 'connection.json'), 'utf8')) as { database_url: string };
  return {
    pid: stack.pid!,
    url,
    apiKey,
    databaseUrl: connection.database_url,
    redisUrl: redis?.url ?? null,
    blobsDir: join(dataDir, 'blobs'),
    stop,
  };
}
