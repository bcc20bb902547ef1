// A database of its own for one test file.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import pg from 'pg';

export interface TestDatabase {
  readonly url: string;
  /** Runs SQL and returns the rows. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** An empty database on the run's server. Call `drop` in afterAll: it fails when connections were left open for long. */
export async function createTestDatabase(): Promise<TestDatabase> {
  // Not above: it can be had inside a test run only, and programs outside of one make databases, too.
  const { inject } = await import('vitest');
  return createDatabaseAt(inject('postgresUrl'));
}

/** An empty database on a server. */
export async function createDatabaseAt(admin: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await once(admin, `CREATE DATABASE ${name}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return {
    url: url.href,
    query: async (sql, values) => (await client.query(sql, values)).rows,
    drop: async () => {
      await client.end();
      await once(admin, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** A connection to the server of a database, without a word of its protocol: for tests that stand in between. */
export function lineTo(databaseUrl: string): Socket {
  const { hostname, port } = new URL(databaseUrl);
  const host = decodeURIComponent(hostname);
  return host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(Number(port), host);
}

async function once(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
