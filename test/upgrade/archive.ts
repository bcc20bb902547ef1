// A stack's data as one file: the rows of every table, the migrations that made the tables, and the blobs.

import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { migrationsDirectory } from '@errata/lineage';
import pg from 'pg';
import { extract, pack } from 'tar-stream';

export interface Stored {
  readonly databaseUrl: string;
  readonly blobsDir: string;
}

/** What the builds so far keep of the migrations they have applied; no migration makes it. */
const bookkeeping = `CREATE TABLE _migrations (
  position integer PRIMARY KEY, name text NOT NULL UNIQUE, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;

/** Writes the data of a stack that nobody writes to meanwhile. The queue is left out: it may be lost. */
export async function save({ databaseUrl, blobsDir }: Stored, file: string): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createGzip({ level: 9 }), createWriteStream(file));
  const add = (name: string, content: string | Buffer) => void archive.entry({ name, mtime: new Date(0) }, content);
  for (const name of await filesBelow(migrationsDirectory))
    if (name.endsWith('.sql')) add(`migrations/${name}`, await readFile(join(migrationsDirectory, name)));
  await withClient(databaseUrl, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
    );
    for (const { name } of tables) {
      // As text: what PostgreSQL wrote goes back without a detour by way of our numbers.
      const { rows } = await client.query<{ rows: string | null }>(`SELECT json_agg(t)::text AS rows FROM "${name}" t`);
      add(`tables/${name}.json`, rows[0]?.rows ?? '[]');
    }
    const { rows: counters } = await client.query(
      `SELECT sequencename AS name, last_value::text AS value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL ORDER BY 1`,
    );
    add('counters.json', JSON.stringify(counters));
  });
  for (const name of await filesBelow(blobsDir)) add(`blobs/${name}`, await readFile(join(blobsDir, name)));
  archive.finalize();
  await written;
}

/** Puts what {@link save} wrote into an empty database, with the tables of that time, and a folder; answers with where the blobs are. */
export async function restore(file: string, databaseUrl: string, folder: string): Promise<Stored> {
  await unpack(file, folder);
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  await withClient(databaseUrl, async (client) => {
    await client.query(bookkeeping);
    for (const name of await filesBelow(join(folder, 'migrations')))
      await client.query(await read(`migrations/${name}`));
    // Neither references nor what keeps histories from being rewritten: the rows were checked when they were made.
    await client.query(`SET session_replication_role = replica`);
    for (const name of await filesBelow(join(folder, 'tables'))) {
      const table = `"${name.replace('.json', '')}"`;
      await client.query(`TRUNCATE ${table} CASCADE`);
    }
    for (const name of await filesBelow(join(folder, 'tables'))) {
      const table = `"${name.replace('.json', '')}"`;
      const rows = await read(`tables/${name}`);
      await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(null::${table}, $1)`, [rows]);
    }
    for (const { name, value } of JSON.parse(await read('counters.json')) as { name: string; value: string }[])
      await client.query('SELECT setval($1::text::regclass, $2::bigint)', [name, value]);
  });
  return { databaseUrl, blobsDir: join(folder, 'blobs') };
}

async function unpack(file: string, folder: string): Promise<void> {
  const archive = extract();
  const unpacked = pipeline(createReadStream(file), createGunzip(), archive);
  for await (const entry of archive) {
    const path = join(folder, entry.header.name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(entry, createWriteStream(path));
  }
  await unpacked;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

async function withClient(connectionString: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
