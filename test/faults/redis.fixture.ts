// A Redis of a test's own, so that it may be flushed and restarted.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer, startRedis } from '@errata/local-services';
import { Redis } from 'ioredis';

/** The path of redis-server, or undefined where none is installed. */
export const redisServer = await findRedisServer();

export interface PrivateRedis {
  readonly url: string;
  flush(): Promise<void>;
  /** Ends it and starts it again, with what it had written down. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function privateRedis(): Promise<PrivateRedis> {
  if (redisServer === undefined) throw new Error('no redis-server found');
  const folder = await mkdtemp(join(tmpdir(), 'errata-faults-redis-'));
  const start = () => startRedis({ binary: redisServer!, dataDir: folder });
  let server = await start();
  const client = new Redis(new URL(server.url).pathname);
  client.on('error', () => {}); // it connects again
  return {
    url: server.url,
    flush: async () => void (await client.flushall()),
    restart: async () => {
      await server.stop();
      server = await start();
    },
    stop: async () => {
      client.disconnect();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
