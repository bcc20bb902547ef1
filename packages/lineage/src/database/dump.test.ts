// A dump of what an earlier build left comes back as its tables were, and is brought up to date with its rows in it.

import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { restoreDump, withDump } from './dump.ts';
import { migrate, migrationsDirectory, readMigrations } from './migrate.ts';

const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const database of databases) await database.drop();
});
const newDatabase = async () => {
  const database = await createTestDatabase();
  databases.push(database);
  return database;
};

test('awkward texts, counters, and what this build has changed about tables since', async () => {
  const all = (await readMigrations()).map(({ name, checksum }) => ({ name, checksum }));
  const old = await newDatabase();
  await migrate(old.url, migrationsDirectory, all.slice(0, 1));
  const text = 'tab\t, line\n, backslash \\N, control \u0001, 日本, "quoted"';
  await old.query(
    `INSERT INTO models (id, name, digest, model_type, parameters, layers, width, vocabulary, context, has_tokenizer, files, metadata)
     VALUES ('mdl_1', $1, 'd', 'gpt2', 9007199254740993, 1, 1, 1, 1, true, '[]', $2)`,
    [text, { text }],
  );
  await old.query(`INSERT INTO lanes (id) VALUES ('import')`);
  await old.query(
    `INSERT INTO jobs (id, kind, lane_id, sequence, input) VALUES ('job_1', 'import', 'import', 1, '{}')`,
  );
  await old.query(`INSERT INTO events (job_id, state, type, data) VALUES ('job_1', 'queued', 'queued', '{}')`);
  const { dump, rows } = await withDump(old.url, async (open) => {
    const rows = new Map<string, Buffer>();
    for (const { name } of open.dump.tables) rows.set(name, await buffer(open.rows(name)));
    await expect(open.blobs(), 'this build cannot read what names blobs in it').rejects.toMatchObject({
      code: 'schema_mismatch',
    });
    return { dump: open.dump, rows };
  });
  const restore = (url: string, of = dump) => restoreDump(url, of, (name) => Readable.from([rows.get(name)!]));
  const database = await newDatabase();
  await restore(database.url);
  expect(await database.query('SELECT name, checksum FROM _migrations ORDER BY position')).toEqual(all);
  const [model] = await database.query('SELECT name, parameters::text, metadata FROM models');
  expect(model).toEqual({ name: text, parameters: '9007199254740993', metadata: { text } });
  const later = await database.query(
    `INSERT INTO events (job_id, state, type, data) VALUES ('job_1', 'queued', 'x', '{}') RETURNING id::int`,
  );
  expect(later).toEqual([{ id: 2 }]);

  await expect(restore(database.url), 'into one that is in use').rejects.toMatchObject({ code: 'name_taken' });
  const empty = await newDatabase();
  await migrate(empty.url);
  await expect(restore(empty.url), 'into one of a later build').rejects.toMatchObject({ code: 'schema_mismatch' });
  const fromLater = { ...dump, migrations: [...all, { name: '9999_later', checksum: 'x' }] };
  await expect(restore((await newDatabase()).url, fromLater)).rejects.toMatchObject({ code: 'schema_mismatch' });
  // A row that refers to none: all of it is refused.
  rows.set('lanes', Buffer.from(''));
  const other = await newDatabase();
  await expect(restore(other.url)).rejects.toThrow(/foreign key/);
  expect(await other.query('SELECT id FROM models')).toEqual([]);
});
