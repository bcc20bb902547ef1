// Global set-up of a test run: one private PostgreSQL and, where installed, one private Redis, gone again at the end.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer, startPostgres, startRedis } from '@errata/local-services';
import type { TestProject } from 'vitest/node';
import { findBrowser } from './browser.ts';
import { withoutRealModels } from './real-models.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of the run's PostgreSQL. */
    postgresUrl: string;
    /** URL of the run's Redis, or null where no redis-server was found. */
    redisUrl: string | null;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-test-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  const binary = await findRedisServer();
  const redis = binary === undefined ? undefined : await startRedis({ binary, dataDir: join(folder, 'redis') });
  if (redis === undefined)
    console.log('No redis-server found: the conformance tests of the Redis backend are skipped.');
  if (findBrowser() === undefined)
    console.log('No Chromium found (CHROMIUM may name one): the tests of the dashboard in a browser are skipped.');
  const without = withoutRealModels();
  if (without !== undefined) console.log(without);
  project.provide('postgresUrl', postgres.url);
  project.provide('redisUrl', redis?.url ?? null);
  return async () => {
    await Promise.all([postgres.stop(), redis?.stop()]);
    await rm(folder, { recursive: true, force: true });
  };
}
