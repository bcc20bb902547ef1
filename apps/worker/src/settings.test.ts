// The worker's environment: defaults, and complaints that name each variable.
import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

const database = 'postgres://errata@localhost/errata';

test('the database alone is enough', () => {
  expect(readSettings({ DATABASE_URL: database, QUEUE_URL: '' })).toMatchObject({
    databaseUrl: database,
    queueUrl: database,
    engine: {},
    engineSilenceMs: 600_000,
    leaseMs: 30_000,
    concurrency: 1,
    metrics: null,
  });
});

test('what is given is used', () => {
  const settings = readSettings({
    DATABASE_URL: database,
    QUEUE_URL: 'redis://localhost',
    ERRATA_PROVIDER: 'cpu',
    ERRATA_THREADS: '2',
    ENGINE_MEMORY_MB: '2048',
    HUB_IMPORTS: 'off',
    WORKER_NAME: 'left',
    METRICS_PORT: '9464',
  });
  expect(settings).toMatchObject({
    queueUrl: 'redis://localhost',
    engine: { provider: 'cpu', threads: 2, memoryMb: 2048, hub: false },
    name: 'left',
    metrics: { host: '127.0.0.1', port: 9464 },
  });
});

test('every variable that is wrong is named', () => {
  expect(() => readSettings({ DATABASE_URL: 'mysql://x', LEASE_MS: '5', LOG_LEVEL: 'loud' })).toThrow(
    /DATABASE_URL: must be a postgres:\/\/ URL; LEASE_MS: .*; LOG_LEVEL: /,
  );
  expect(() => readSettings({})).toThrow('DATABASE_URL: is required');
});
