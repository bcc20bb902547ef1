// Migrations: applied once whoever starts first, refused when history was rewritten, and in step with the Prisma schema.
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { migrate, migrationsDirectory, openLineage } from './index.ts';
import { readPrismaSchema, readTables } from './schema-drift.fixture.ts';

const folder = await mkdtemp(join(tmpdir(), 'errata-migrations-'));
const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const database of databases) await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function newDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  databases.push(database);
  return database;
}

async function newDirectory(name: string, ...migrations: readonly (readonly [string, string])[]): Promise<string> {
  const directory = join(folder, name);
  for (const [migration, sql] of migrations) {
    await mkdir(join(directory, migration), { recursive: true });
    await writeFile(join(directory, migration, 'migration.sql'), sql);
  }
  return directory;
}

const first = ['0001_first', 'CREATE TABLE a (id integer); INSERT INTO a VALUES (1);'] as const;

test('eight starters at once apply every migration exactly once', async () => {
  const database = await newDatabase();
  const applied = await Promise.all(Array.from({ length: 8 }, () => migrate(database.url)));
  expect(applied.flat()).toEqual([...new Set(applied.flat())]);
  expect(applied.flat()).toContain('0001_lineage');
  expect(await migrate(database.url)).toEqual([]);
});

test('a migration that fails leaves nothing of itself, and those before it stand', async () => {
  const database = await newDatabase();
  const directory = await newDirectory('failing', first, ['0002_bad', 'CREATE TABLE b (id integer); SELECT 1 / 0;']);
  await expect(migrate(database.url, directory)).rejects.toThrow('division by zero');
  const tables = await database.query(`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`);
  expect(tables.map(({ table_name }) => table_name).sort()).toEqual(['_migrations', 'a']);
  await writeFile(join(directory, '0002_bad', 'migration.sql'), 'CREATE TABLE b (id integer);');
  expect(await migrate(database.url, directory)).toEqual(['0002_bad']);
});

test('a migration that was changed, removed, or slipped in before an applied one is refused', async () => {
  const database = await newDatabase();
  const directory = await newDirectory('tampered', first, ['0002_second', 'CREATE TABLE b (id integer);']);
  await migrate(database.url, directory);
  const mismatch = (migration: string) => ({ code: 'schema_mismatch', details: { migration } });

  const changed = join(folder, 'changed');
  await cp(directory, changed, { recursive: true });
  await writeFile(join(changed, '0001_first', 'migration.sql'), 'CREATE TABLE a (id bigint);');
  await expect(migrate(database.url, changed)).rejects.toMatchObject(mismatch('0001_first'));

  const removed = join(folder, 'removed');
  await cp(directory, removed, { recursive: true });
  await rm(join(removed, '0002_second'), { recursive: true });
  await expect(migrate(database.url, removed)).rejects.toMatchObject(mismatch('0002_second'));

  const renamed = join(folder, 'renamed');
  await cp(directory, renamed, { recursive: true });
  await rename(join(renamed, '0001_first'), join(renamed, '0000_first'));
  await expect(migrate(database.url, renamed)).rejects.toMatchObject(mismatch('0001_first'));
  expect(await migrate(database.url, directory)).toEqual([]);
});

test('a server that does not answer is reported as unavailable', async () => {
  const nowhere = 'postgres://nobody@127.0.0.1:1/none';
  await expect(migrate(nowhere)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(openLineage(nowhere)).rejects.toMatchObject({ code: 'unavailable' });
});

test('the tables that the migrations make are those of the Prisma schema', async () => {
  const database = await newDatabase();
  await migrate(database.url);
  const expected = readPrismaSchema(await readFile(join(migrationsDirectory, '..', 'schema.prisma'), 'utf8'));
  const found = await readTables(database.query);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [table, { columns, keys, references }] of Object.entries(expected)) {
    expect(found[table]?.columns, `columns of ${table}`).toEqual(columns);
    expect(found[table]?.keys, `keys and indexes of ${table}`).toEqual(expect.arrayContaining([...keys]));
    expect(found[table]?.references, `foreign keys of ${table}`).toEqual(expect.arrayContaining([...references]));
  }
});
