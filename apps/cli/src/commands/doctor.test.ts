// What the doctor says of a service that is well, and of one that is not, and that it keeps secrets.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const run = promisify(execFile);

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi({ rateLimit: 0 });
  await api.importModel('atlas');
});
afterAll(() => api.close());

const secrets = { HF_TOKEN: 'planted-token-1234', AWS_SECRET_ACCESS_KEY: 'planted-secret-1234' };
async function doctor(environment: Record<string, string>) {
  const env = { ...process.env, ...secrets, LOG_LEVEL: 'warn', ERRATA_URL: '', ...environment };
  return run(process.execPath, ['apps/cli/bin/errata.js', 'doctor', '--json'], { cwd: root, env }).then(
    ({ stdout }) => ({ code: 0, stdout, report: JSON.parse(stdout) }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout, report: JSON.parse(stdout) }),
  );
}

test('database, blobs and settings are told; no secret and no name of a model is', async () => {
  const { code, stdout, report } = await doctor({ DATABASE_URL: api.databaseUrl, BLOBS_DIR: api.blobsDir });
  expect(report.database.ok).toBe(true);
  const { migrations, rows, failures } = report.database.found;
  expect(migrations.applied).toBe(migrations.of_this_build);
  expect(rows).toHaveProperty('api_keys');
  expect(failures).toEqual([]);
  expect(report.blobs).toMatchObject({ ok: true, found: { kind: 'directory' } });
  expect(report.settings.found).toMatchObject({ values: { LOG_LEVEL: 'warn' } });
  expect(report.settings.found.set).toEqual(
    expect.arrayContaining(['AWS_SECRET_ACCESS_KEY', 'DATABASE_URL', 'HF_TOKEN']),
  );
  const { provider, providers } = report.device.found;
  expect(provider).toBe('cpu');
  expect(providers.map(({ provider }: { provider: string }) => provider)).toEqual(['cuda', 'webgpu', 'cpu']);
  expect(providers.at(-1)).toEqual({ provider: 'cpu', works: true });
  expect(report.api).toEqual({ ok: false, why: 'set ERRATA_URL to the address of the API' });
  expect(code).toBe(1);
  for (const secret of [...Object.values(secrets), api.databaseUrl, 'atlas']) expect(stdout).not.toContain(secret);
});

test('a database that is away is said, without its password, and the rest all the same', async () => {
  const url = 'postgres://errata:planted-password-1234@127.0.0.1:1/errata';
  const { code, stdout, report } = await doctor({ DATABASE_URL: url, BLOBS_DIR: api.blobsDir });
  expect(code).toBe(1);
  expect(report.database).toMatchObject({ ok: false, why: expect.stringContaining('cannot be reached') });
  expect(report.blobs.ok).toBe(true);
  expect(stdout).not.toContain('planted-');
});
