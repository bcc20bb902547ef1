// The handle on the database: one pool of connections, used through Prisma.
import { ErrataError } from '@errata/contracts';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { Prisma, PrismaClient } from '../generated/client.ts';

/** What every function of this package takes first. */
export interface Lineage {
  readonly prisma: PrismaClient;
  close(): Promise<void>;
}

/** The inside of a transaction. */
export type Tx = Prisma.TransactionClient;
/** What a caller writes in the very transaction that does the work: both are kept, or neither is. */
export type Alongside<T> = ((tx: Tx, done: T) => Promise<void>) | undefined;
/** Either; for reads that must also work inside a transaction. */
export type Db = Lineage | Tx;

export interface LineageOptions {
  /** Connections at most. @defaultValue 10 */
  readonly poolSize?: number;
  /** Told of connections that break while idle; the pool replaces them. */
  readonly onConnectionError?: (error: Error) => void;
}

/**
 * A process that freezes inside a transaction (stopped, paused with its machine, cut off) keeps its locks, and with them a lane, for
 * as long as the server lets it. No statement of ours follows another later than in milliseconds. `options` in the URL replaces this.
 */
const serverOptions = '-c idle_in_transaction_session_timeout=30000';

/**
 * Begins statements that every request waits for: connections keep them prepared, since planning them takes longer than carrying them out.
 * Their text is always the same.
 */
const preparedMark = '/* prepared */';

/** Names for the statements that are kept prepared; none for the others. */
function statementNames(): (query: { readonly sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    if (!sql.startsWith(preparedMark)) return '';
    const name = names.get(sql) ?? `errata_${names.size}`;
    names.set(sql, name);
    return name;
  };
}

/** Opens the database, whose schema must be in place (see {@link migrate}). `unavailable` when it cannot be reached. */
export async function openLineage(url: string, options: LineageOptions = {}): Promise<Lineage> {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: 30_000,
    options: serverOptions,
  });
  pool.on('error', (error) => options.onConnectionError?.(error));
  try {
    (await pool.connect()).release();
  } catch (error) {
    await pool.end();
    throw new ErrataError('unavailable', `the database cannot be reached: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, { statementNameGenerator: statementNames() }),
    errorFormat: 'minimal',
    // Submissions and commits queue for a connection rather than fail; a commit of ten thousand edits takes seconds.
    transactionOptions: { maxWait: 60_000, timeout: 120_000 },
  });
  return {
    prisma,
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

const isLineage = (db: Db): db is Lineage => 'prisma' in db && 'close' in db;

export const clientOf = (db: Db): Tx => (isLineage(db) ? db.prisma : db);

/** Runs `work` in the transaction that there is, or in one of its own. */
export const within = <T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> =>
  isLineage(db) ? db.prisma.$transaction(work) : work(db);

/** Plain data as a JSON column takes it. */
export const asJson = (value: unknown): Prisma.InputJsonValue => value as Prisma.InputJsonValue;

/** Plain data as a parameter of raw SQL that is cast to jsonb; null stays SQL's null. */
export const jsonText = (value: unknown): string | null =>
  value === undefined || value === null ? null : JSON.stringify(value);

/** Whether an insert failed because another row has the same unique value. */
export const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
