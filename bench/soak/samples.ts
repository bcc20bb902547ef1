// One look at a stack: the memory of its processes by what they are, of Redis, and the bytes of database and blobs.
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { SoakedStack } from './stack.ts';

const run = promisify(execFile);

/** What the processes of a stack are told by. */
const kinds = {
  api: /apps\/api\/bin\/api\.js/,
  worker: /apps\/worker\/bin\/worker\.js/,
  engines: /engine\.js|engine\/src\/child/,
  postgres: /postgres/,
} as const;
type Kind = keyof typeof kinds;

export const columns = ['api', 'worker', 'engines', 'postgres', 'redis', 'database', 'blobs'] as const;
export type Column = (typeof columns)[number];
/** In bytes; null for what there is none of. */
export type Look = Readonly<Record<Column, number | null>>;

export async function openLook({ pid, databaseUrl, redisUrl, blobsDir }: SoakedStack) {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  const redis = redisUrl === null ? null : new Redis(redisUrl.replace(/^redis\+unix:\/\//, ''));
  return {
    async look(): Promise<Look> {
      const memory = await memoryBelow(pid);
      const { rows } = await database.query('SELECT pg_database_size(current_database()) AS bytes');
      const info = await redis?.info('memory');
      return {
        ...memory,
        redis: info === undefined ? null : Number(/used_memory:(\d+)/.exec(info)?.[1]),
        database: Number(rows[0].bytes),
        blobs: await bytesBelow(blobsDir),
      };
    },
    async close() {
      redis?.disconnect();
      await database.end();
    },
  };
}

/** Of all processes that one has started, and these in turn. */
async function memoryBelow(root: number): Promise<Readonly<Record<Kind, number>>> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,rss=,args='], { maxBuffer: 2 ** 26 });
  const processes = [...stdout.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/gm)].map(
    ([, pid, parent, kib, command = '']) => ({
      pid: Number(pid),
      parent: Number(parent),
      bytes: Number(kib) * 1024,
      command,
    }),
  );
  const below = new Set([root]);
  for (let before = 0; before !== below.size; ) {
    before = below.size;
    for (const { pid, parent } of processes) if (below.has(parent)) below.add(pid);
  }
  const sums: Record<Kind, number> = { api: 0, worker: 0, engines: 0, postgres: 0 };
  for (const { pid, bytes, command } of processes) {
    const kind = (Object.keys(kinds) as Kind[]).find((each) => kinds[each].test(command));
    if (below.has(pid) && kind !== undefined) sums[kind] += (await ownShare(pid)) ?? bytes;
  }
  return sums;
}

/** What a process has of its own, and its part of what it shares: the pages that PostgreSQL's processes share count once. Linux tells. */
async function ownShare(pid: number): Promise<number | null> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const kib = /^Pss:\s+(\d+) kB/m.exec(rollup)?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    // A file may be gone by now: a collection is at work.
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size;
  }
  return bytes;
}
