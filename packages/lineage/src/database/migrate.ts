// Applies the SQL migrations of prisma/migrations, in order, once, whoever starts first.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ErrataError, sha256 } from '@errata/contracts';
import pg from 'pg';

/** Where the repository keeps its migrations. */
export const migrationsDirectory = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

// Any constant would do, as long as every starter uses the same.
const lockKey = 0x6572_7261;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Brings the schema up to date and returns the names of the migrations it applied. Each migration and its record commit together;
 * concurrent starters wait for each other. `schema_mismatch` when what was applied before is not a beginning of what is on disk:
 * a migration that was changed or that this build does not know. `unavailable` when the database cannot be reached.
 * @param until the first so many, to lay out tables as they were; `schema_mismatch` unless they are a beginning of what is on disk
 */
export async function migrate(
  url: string,
  directory: string = migrationsDirectory,
  until?: readonly Pick<Migration, 'name' | 'checksum'>[],
): Promise<readonly string[]> {
  const migrations = (await readMigrations(directory)).slice(0, until?.length);
  if (until !== undefined) refuseOthers(until, migrations);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 30_000 });
  try {
    await client.connect();
  } catch (error) {
    throw new ErrataError('unavailable', `the database cannot be reached: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
    return await applyPending(client, migrations);
  } finally {
    await client.end(); // frees the advisory lock as well
  }
}

/** Those of this build, in order. */
export async function readMigrations(directory: string = migrationsDirectory): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(directory, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: sha256(sql) };
    }),
  );
}

async function applyPending(client: pg.Client, migrations: readonly Migration[]): Promise<readonly string[]> {
  await client.query(`CREATE TABLE IF NOT EXISTS _migrations (
    position integer PRIMARY KEY, name text NOT NULL UNIQUE, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'SELECT name, checksum FROM _migrations ORDER BY position',
  );
  refuseOthers(rows, migrations);
  const pending = migrations.slice(rows.length);
  for (const [index, migration] of pending.entries()) {
    try {
      await client.query('BEGIN');
      await client.query(migration.sql);
      await client.query('INSERT INTO _migrations (position, name, checksum) VALUES ($1, $2, $3)', [
        rows.length + index + 1,
        migration.name,
        migration.checksum,
      ]);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    }
  }
  return pending.map(({ name }) => name);
}

/** @throws ErrataError `schema_mismatch` unless what was applied is a beginning of what is known */
export function refuseOthers(
  given: readonly Pick<Migration, 'name' | 'checksum'>[],
  migrations: readonly Migration[],
): void {
  for (const [index, applied] of given.entries()) {
    const known = migrations[index];
    if (known?.name === applied.name && known.checksum === applied.checksum) continue;
    const what = known?.name === applied.name ? 'was changed after it was applied' : 'is not what this build expects';
    throw new ErrataError('schema_mismatch', `migration ${index + 1}, ${applied.name}, ${what}`, {
      details: { migration: applied.name, expected: known?.name ?? null },
    });
  }
}
