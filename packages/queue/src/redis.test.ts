// What is particular to Redis: losing everything, losing the server, and a policy that would drop keys.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer, type Server, startRedis } from '@errata/local-services';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DispatchWarning, openDispatch } from './index.ts';

const binary = await findRedisServer();

describe.skipIf(binary === undefined)(
  `dispatch over Redis${binary === undefined ? ' (skipped: no redis-server found)' : ''}`,
  () => {
    let folder: string;
    let server: Server;
    let admin: Redis;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'errata-queue-'));
      server = await startRedis({ binary: binary ?? '', dataDir: folder });
      admin = new Redis(new URL(server.url).pathname);
    });
    afterAll(async () => {
      admin.disconnect();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    });

    test('after FLUSHALL, before and amid a run, new wake-ups arrive', async () => {
      const dispatch = await openDispatch(server.url);
      let runs = 0;
      let flushDuringRun = true;
      await dispatch.wake('branch:a');
      await admin.flushall();
      expect(await dispatch.counts()).toEqual({ waiting: 0, active: 0 });
      dispatch.consume(
        async () => {
          runs++;
          if (flushDuringRun) await admin.flushall();
          flushDuringRun = false;
        },
        { concurrency: 1 },
      );
      await dispatch.wake('branch:a');
      await expect.poll(() => runs).toBe(1);
      await expect
        .poll(
          async () => {
            await dispatch.wake('branch:a');
            return runs;
          },
          { timeout: 20_000 },
        )
        .toBeGreaterThan(1);
      await dispatch.close();
    });

    test('a policy that evicts keys is reported at once, with what to do', async () => {
      const warnings: DispatchWarning[] = [];
      const onWarning = (warning: DispatchWarning) => void warnings.push(warning);
      await (await openDispatch(server.url, { onWarning })).close();
      expect(warnings).toEqual([]);
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await (await openDispatch(server.url, { onWarning })).close();
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      expect(warnings).toMatchObject([
        {
          kind: 'eviction_policy',
          message: expect.stringMatching(/allkeys-lru.*CONFIG SET maxmemory-policy noeviction/),
        },
      ]);
    });

    test('while the server is away a wake-up is refused without an error', async () => {
      const other = await startRedis({ binary: binary ?? '', dataDir: join(folder, 'other') });
      const warnings: DispatchWarning[] = [];
      const dispatch = await openDispatch(other.url, { onWarning: (warning) => void warnings.push(warning) });
      expect(await dispatch.wake('branch:a')).toBe(true);
      await other.stop();
      expect(await dispatch.wake('branch:a')).toBe(false);
      expect(warnings).toContainEqual(
        expect.objectContaining({ kind: 'connection', message: expect.stringContaining('branch:a') }),
      );
      await dispatch.close();
    });
  },
);
