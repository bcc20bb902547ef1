// A stack that is started again keeps its key.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listKeys, migrate, openLineage, revokeKey } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';
import { stackKey } from './stack-key.ts';

const database = await createTestDatabase();
await migrate(database.url);
const lineage = await openLineage(database.url);
const folder = mkdtempSync(join(tmpdir(), 'errata-key-'));
afterAll(async () => {
  await lineage.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

test('one key for a data directory, a new one only once that is revoked', async () => {
  const token = await stackKey(database.url, folder);
  expect(await stackKey(database.url, folder)).toBe(token);
  const [key, ...others] = await listKeys(lineage);
  expect([key?.name, others]).toEqual(['local stack', []]);
  expect(statSync(join(folder, 'api-key')).mode & 0o777).toBe(0o600);
  await revokeKey(lineage, key!.id);
  expect(await stackKey(database.url, folder)).not.toBe(token);
});
