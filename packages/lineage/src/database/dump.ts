// The whole database as streams of rows, and back: what a backup holds of it, seen at one moment while work goes on.
import { pipeline } from 'node:stream/promises';
import { defaultProject, ErrataError } from '@errata/contracts';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { z } from 'zod';
import { type NamedBlob, namedBlobs } from '../upkeep/named-blobs.ts';
import { openLineage } from './client.ts';
import { migrate, migrationsDirectory, readMigrations, refuseOthers } from './migrate.ts';

/** What is said of a database beside its rows. */
export const dumpSchema = z.object({
  /** Those that made its tables, in order. */
  migrations: z.array(z.object({ name: z.string(), checksum: z.string() })),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
  /** Where counters stand. */
  sequences: z.array(z.object({ name: z.string(), value: z.string() })),
});
export type Dump = z.infer<typeof dumpSchema>;

export interface OpenDump {
  readonly dump: Dump;
  /** A table's rows in the text format of PostgreSQL's COPY. One table at a time. */
  rows(table: string): AsyncIterable<Uint8Array>;
  /** Every blob that anything names at that moment. @throws ErrataError `schema_mismatch` where another build has laid it out */
  blobs(): Promise<readonly NamedBlob[]>;
}

/** Longer than any reading of names. */
const namesMs = 6 * 3_600_000;

/**
 * Runs `work` on the database as it is at one moment, whatever others do meanwhile; it holds nobody up. The queue, which is a schema
 * of its own where it is in this database, is left out: it may be lost.
 * @throws ErrataError `unavailable`
 */
export async function withDump<T>(url: string, work: (open: OpenDump) => Promise<T>): Promise<T> {
  return withClient(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const rows = async <R extends pg.QueryResultRow>(sql: string) => (await client.query<R>(sql)).rows;
    const migrations = await rows<Dump['migrations'][number]>(
      'SELECT name, checksum FROM _migrations ORDER BY position',
    );
    const columns = await rows<{ table: string; column: string }>(`
      SELECT c.relname AS table, a.attname AS column FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> '_migrations'
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY c.relname, a.attnum`);
    const sequences = await rows<Dump['sequences'][number]>(`
      SELECT sequencename AS name, last_value::text AS value FROM pg_sequences
      WHERE schemaname = 'public' AND last_value IS NOT NULL ORDER BY 1`);
    const names = [...new Set(columns.map(({ table }) => table))];
    const tables = names.map((name) => ({
      name,
      columns: columns.filter(({ table }) => table === name).map(({ column }) => column),
    }));
    const [snapshot] = await rows<{ id: string }>('SELECT pg_export_snapshot() AS id');
    return work({
      dump: { migrations, tables, sequences },
      rows: (table) => {
        const held = tables.find(({ name }) => name === table)!;
        return client.query(copyTo(`COPY ${tableOf(held)} TO STDOUT`));
      },
      blobs: async () => {
        const ours = await readMigrations();
        refuseOthers(migrations, ours);
        const missing = ours[migrations.length];
        if (missing !== undefined)
          throw new ErrataError(
            'schema_mismatch',
            `an earlier build has laid the database out: it lacks ${missing.name}`,
          );
        return blobsAt(url, snapshot!.id);
      },
    });
  });
}

async function blobsAt(url: string, snapshot: string): Promise<readonly NamedBlob[]> {
  const lineage = await openLineage(url, { poolSize: 1 });
  try {
    return await lineage.prisma.$transaction(
      async (tx) => {
        await tx.$executeRawUnsafe(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(snapshot)}`);
        const found = new Map<string, NamedBlob>();
        for await (const named of namedBlobs(tx)) found.set(named.blob, named);
        return [...found.values()];
      },
      { isolationLevel: 'RepeatableRead', timeout: namesMs },
    );
  } finally {
    await lineage.close();
  }
}

/**
 * Fills an empty database with what was dumped: the tables as they were then, their rows, and then whatever this build has changed
 * about tables since. All of it or nothing. Every reference between rows is checked; nothing that guards history against being
 * rewritten is in the way.
 * @throws ErrataError `name_taken` when the database holds anything, `schema_mismatch` when another build made the dump, `unavailable`
 */
export async function restoreDump(
  url: string,
  dump: Dump,
  rows: (table: string) => AsyncIterable<Uint8Array>,
): Promise<void> {
  await refuseUsed(url);
  await migrate(url, migrationsDirectory, dump.migrations);
  await withClient(url, async (client) => {
    await client.query('BEGIN');
    const { rows: references } = await client.query<{ table: string; name: string; definition: string }>(`
      SELECT conrelid::regclass::text AS table, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition
      FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY conname`);
    for (const { table, name } of references) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
    for (const { name } of dump.tables) {
      const table = pg.escapeIdentifier(name);
      await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      await client.query(`DELETE FROM ${table}`); // what migrations put there
    }
    for (const table of dump.tables)
      await pipeline(rows(table.name), client.query(copyFrom(`COPY ${tableOf(table)} FROM STDIN`)));
    for (const { name } of dump.tables)
      await client.query(`ALTER TABLE ${pg.escapeIdentifier(name)} ENABLE TRIGGER USER`);
    for (const { table, name, definition } of references)
      await client.query(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
    for (const { name, value } of dump.sequences)
      await client.query('SELECT setval($1::text::regclass, $2::bigint)', [pg.escapeIdentifier(name), value]);
    await client.query('COMMIT');
  });
  await migrate(url);
}

/**
 * Refuses a database that holds anything. Tables without rows do not count: a restore that was broken off has made them.
 * @throws ErrataError `name_taken`, `unavailable`
 */
export const refuseUsed = (url: string): Promise<void> =>
  withClient(url, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_migrations' ORDER BY 1`,
    );
    for (const { name } of tables) {
      const { rowCount } = await client.query(`SELECT 1 FROM ${pg.escapeIdentifier(name)} ${givenTo(name)} LIMIT 1`);
      if (rowCount === 0) continue;
      const message = `the database is in use: its table ${name} has rows; restore into an empty one`;
      throw new ErrataError('name_taken', message, { details: { table: name } });
    }
  });

/** Selects the rows that somebody put there, and no migration. */
const givenTo = (table: string): string => (table === 'projects' ? `WHERE id <> '${defaultProject.id}'` : '');

const tableOf = ({ name, columns }: Dump['tables'][number]): string =>
  `${pg.escapeIdentifier(name)} (${columns.map((column) => pg.escapeIdentifier(column)).join(', ')})`;

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 30_000 });
  // What breaks while a query runs fails that query.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new ErrataError('unavailable', `the database cannot be reached: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
