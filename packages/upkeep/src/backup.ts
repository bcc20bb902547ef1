// A backup: the database at one moment and every blob that it names, in a blob store of the backup's own, which many backups share.
import { createReadStream } from 'node:fs';
import type { LocalBlobStore } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import { dumpSchema, openLineage, refuseUsed, restoreDump, withDump } from '@errata/lineage';
import { z } from 'zod';
import { checkEverything, type UpkeepProgress } from './check.ts';

const blobName = z.string().regex(/^[0-9a-f]{64}$/);

/** What a backup is, itself a blob: whoever has its digest has all of it, checked. */
const backupSchema = z.object({
  format: z.literal(1),
  made_at: z.iso.datetime(),
  database: dumpSchema,
  /** The rows of each table. */
  rows: z.record(z.string(), blobName),
  /** The names of all blobs that the rows name, one a line. */
  blob_names: blobName,
  blobs: z.int(),
  bytes: z.int(),
});
export type Backup = z.infer<typeof backupSchema>;

interface Options {
  readonly onProgress?: ((progress: UpkeepProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Work goes on meanwhile. What the database names at the moment that it is read is not collected before a grace period has gone by, which
 * is longer than a backup takes. Blobs that the target has from earlier backups are not copied again, and neither are the rows of
 * tables that are as they were.
 * @returns the backup and its digest, by which it is restored
 * @throws ErrataError `blob_missing`, `blob_corrupt`: what is stored is not whole, and a backup of it would be none; `unavailable`,
 * `storage_failed`, `storage_full`
 */
export async function makeBackup(
  databaseUrl: string,
  from: LocalBlobStore,
  to: LocalBlobStore,
  { onProgress, signal }: Options = {},
): Promise<{ readonly digest: string; readonly backup: Backup; readonly copied: { blobs: number; bytes: number } }> {
  const made_at = new Date().toISOString();
  const { database, rows, named } = await withDump(databaseUrl, async (open) => {
    const { tables } = open.dump;
    const rows: Record<string, string> = {};
    for (const [index, { name }] of tables.entries()) {
      signal?.throwIfAborted();
      onProgress?.({ phase: 'tables', done: index, total: tables.length });
      rows[name] = (await to.put(open.rows(name))).sha256;
    }
    return { database: open.dump, rows, named: await open.blobs() };
  });
  const copied = { blobs: 0, bytes: 0 };
  let bytes = 0;
  for (const [index, { blob }] of named.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'blobs', done: index, total: named.length });
    const there = await to.stat(blob);
    if (there === null) {
      const { size } = await to.put(createReadStream(await from.path(blob)));
      copied.blobs += 1;
      copied.bytes += size;
      bytes += size;
    } else bytes += there.size;
  }
  const names = named.map(({ blob }) => `${blob}\n`).sort();
  const { sha256: blob_names } = await to.put(Buffer.from(names.join('')));
  const backup: Backup = { format: 1, made_at, database, rows, blob_names, blobs: named.length, bytes };
  const { sha256: digest } = await to.put(Buffer.from(JSON.stringify(backup)));
  return { digest, backup, copied };
}

/**
 * Brings a backup back, by this build or a later one, into an empty database and a store that may hold anything. Blobs first, then the
 * database in one transaction, so that what was broken off can be begun again.
 * @throws ErrataError `blob_missing` and `blob_corrupt` for what the backup lacks, `invalid_request` when it is none, and as
 * {@link restoreDump}
 */
export async function restoreBackup(
  digest: string,
  from: LocalBlobStore,
  databaseUrl: string,
  to: LocalBlobStore,
  { onProgress, signal }: Options = {},
): Promise<Backup> {
  await refuseUsed(databaseUrl);
  const backup = readBackup(await from.get(digest), digest);
  const names = (await from.get(backup.blob_names)).toString('latin1').split('\n').slice(0, -1);
  for (const [index, name] of names.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'blobs', done: index, total: names.length });
    await to.put(createReadStream(await from.path(name)));
  }
  onProgress?.({ phase: 'tables', done: 0, total: 1 });
  await restoreDump(databaseUrl, backup.database, (table) => piecesOf(from, backup.rows[table]!));
  const lineage = await openLineage(databaseUrl);
  try {
    const report = await checkEverything(lineage, to, { content: false, onProgress, signal });
    if (report.ok) return backup;
    const [first] = report.problems;
    throw new ErrataError('unreadable_record', `what was restored is not whole: ${first!.where}: ${first!.what}`, {
      details: { problems: report.problem_count },
    });
  } finally {
    await lineage.close();
  }
}

async function* piecesOf(store: LocalBlobStore, blob: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(await store.path(blob)) as AsyncIterable<Uint8Array>;
}

function readBackup(bytes: Buffer, digest: string): Backup {
  try {
    return backupSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new ErrataError('invalid_request', `blob ${digest} is no backup, or one of a later build`, { cause });
  }
}
