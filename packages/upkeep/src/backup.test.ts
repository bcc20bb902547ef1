// A backup that is made while others write is what was there at one moment, and comes back as that, elsewhere.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStore } from '@errata/blobs';
import { branchOfLane, checkBranch, createKey, listKeys, openLineage } from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { commitMadeEdit, hold } from '../../../test/support/history.ts';
import { checkEverything, makeBackup, restoreBackup } from './index.ts';
import { openUpkeep } from './upkeep.fixture.ts';

let fixture: Awaited<ReturnType<typeof openUpkeep>>;
let folder: string;
const databases: TestDatabase[] = [];
beforeAll(async () => {
  fixture = await openUpkeep();
  folder = await mkdtemp(join(tmpdir(), 'errata-backup-'));
});
afterAll(async () => {
  for (const database of databases) await database.drop();
  await fixture.close();
  await rm(folder, { recursive: true, force: true });
});

const branchId = () => branchOfLane(fixture.branch.lane)!;

let places = 0;
async function elsewhere() {
  const database = await createTestDatabase();
  databases.push(database);
  const store = await openDiskStore(join(folder, `elsewhere-${places++}`));
  return { database, store };
}

/** Everything that the database says, but for what a database says of itself. */
async function rowsOf({ query }: Pick<TestDatabase, 'query'>): Promise<Record<string, unknown>> {
  const tables = await query(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`);
  const all: Record<string, unknown> = {};
  for (const { name } of tables) {
    const of = name === '_migrations' ? 'name, checksum' : 't::text AS row';
    all[String(name)] = await query(`SELECT ${of} FROM "${name}" t ORDER BY 1`);
  }
  return all;
}

test('what was there comes back row by row, and work goes on from there', async () => {
  for (let index = 0; index < 3; index++) await fixture.edit();
  await createKey(fixture.db, 'kept', ['models:read']);
  const target = await openDiskStore(join(folder, 'backups'));
  const { digest, backup, copied } = await makeBackup(fixture.url, fixture.store, target);
  expect(copied.blobs).toBe(backup.blobs);
  const { database, store } = await elsewhere();
  expect(await restoreBackup(digest, target, database.url, store)).toEqual(backup);
  expect(await rowsOf(database)).toEqual(await rowsOf(fixture));

  const db = await openLineage(database.url);
  try {
    expect(await checkEverything(db, store, { content: true })).toMatchObject({ ok: true });
    expect((await listKeys(db)).map(({ name }) => name)).toContain('kept');
    const { sha256: blob } = await store.put(randomBytes(50));
    // As if the lease of whoever had it then had run out.
    await database.query('UPDATE lanes SET holder = NULL, expires_at = NULL');
    const lease = await hold(db, fixture.branch.lane);
    await commitMadeEdit(db, fixture.branch, lease, { kind: 'low_rank', blob });
    expect(await checkBranch(db, branchId())).toEqual({ moves: 5 });
    // History is as closed to rewriting as it was.
    await expect(database.query('DELETE FROM branch_moves')).rejects.toThrow(/rewrit|append/);
  } finally {
    await db.close();
  }

  // A second one has only what is new.
  await fixture.edit();
  const second = await makeBackup(fixture.url, fixture.store, target);
  expect(second.copied.blobs).toBe(1);
  expect(second.digest).not.toBe(digest);
});

test('a backup taken while edits are committed is a moment between two of them', async () => {
  const target = await openDiskStore(join(folder, 'busy'));
  let over = false;
  const writing = (async () => {
    while (!over) await fixture.edit();
  })();
  const made = [];
  for (let index = 0; index < 4; index++) made.push(await makeBackup(fixture.url, fixture.store, target));
  over = true;
  await writing;
  const counts = [];
  for (const { digest } of made) {
    const { database, store } = await elsewhere();
    await restoreBackup(digest, target, database.url, store);
    const db = await openLineage(database.url);
    try {
      expect(await checkEverything(db, store, { content: true })).toMatchObject({ ok: true, unnamed: { blobs: 0 } });
      counts.push((await checkBranch(db, branchId())).moves);
    } finally {
      await db.close();
    }
  }
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(new Set(counts).size).toBeGreaterThan(1);
});

test('nothing is restored over what is there, from what is no backup, or from one that is not whole', async () => {
  const target = await openDiskStore(join(folder, 'damaged'));
  const { digest, backup } = await makeBackup(fixture.url, fixture.store, target);
  const { database, store } = await elsewhere();
  await expect(restoreBackup(digest, target, fixture.url, store)).rejects.toMatchObject({ code: 'name_taken' });
  await expect(restoreBackup(backup.blob_names, target, database.url, store)).rejects.toMatchObject({
    code: 'invalid_request',
  });
  await expect(restoreBackup('0'.repeat(64), target, database.url, store)).rejects.toMatchObject({
    code: 'blob_missing',
  });
  const rows = backup.rows.contributions!;
  const file = await target.path(rows);
  await truncate(file, 10);
  await expect(restoreBackup(digest, target, database.url, store)).rejects.toMatchObject({ code: 'blob_corrupt' });
  const left = await database.query('SELECT count(*)::int AS count FROM branches');
  expect(left).toEqual([{ count: 0 }]);
  // Mended by another backup, the same one is brought back where it was broken off.
  await makeBackup(fixture.url, fixture.store, target);
  await restoreBackup(digest, target, database.url, store);
  expect(await database.query('SELECT count(*)::int AS count FROM branches')).not.toEqual(left);
});

test('what is damaged, or gone, is not taken for a backup', async () => {
  const { blob } = await fixture.edit();
  const target = await openDiskStore(join(folder, 'whole'));
  await writeFile(fixture.fileOf(blob), 'other bytes');
  await expect(makeBackup(fixture.url, fixture.store, target)).rejects.toMatchObject({ code: 'blob_corrupt' });
  await rm(fixture.fileOf(blob));
  await expect(makeBackup(fixture.url, fixture.store, target)).rejects.toMatchObject({
    code: 'blob_missing',
    details: { blob },
  });
  expect(await readdir(join(folder, 'whole', 'tmp'))).toEqual([]);
});
