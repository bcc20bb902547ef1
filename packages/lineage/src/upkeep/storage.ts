// What is kept, as far as the database knows: its own size, what was marked as unnamed, and what the last collection counted.
import { type CollectionReport, collectionReportSchema, type StorageResource } from '@errata/contracts';
import type { Lineage } from '../database/client.ts';
import { readStored } from '../database/stored.ts';
import { upkeepLane } from './upkeep.ts';

const tablesTold = 12;

/** The database in bytes, with its largest tables. */
export async function databaseSize(db: Lineage): Promise<StorageResource['database']> {
  const [[whole], tables] = await Promise.all([
    db.prisma.$queryRaw<{ bytes: bigint }[]>`SELECT pg_database_size(current_database()) AS bytes`,
    db.prisma.$queryRaw<{ name: string; bytes: bigint; rows: bigint }[]>`
      SELECT relname AS name, pg_total_relation_size(relid) AS bytes, n_live_tup AS rows FROM pg_stat_user_tables
      WHERE schemaname = 'public' ORDER BY bytes DESC, relname LIMIT ${tablesTold}`,
  ]);
  return {
    bytes: Number(whole!.bytes),
    tables: tables.map(({ name, bytes, rows }) => ({ name, bytes: Number(bytes), rows: Number(rows) })),
  };
}

/** What collections have marked so far and not deleted yet, and since when the oldest mark stands. */
export async function markedGarbage(db: Lineage): Promise<StorageResource['blobs']['marked']> {
  const { _count, _sum, _min } = await db.prisma.garbage.aggregate({
    _count: true,
    _sum: { bytes: true },
    _min: { markedAt: true },
  });
  return { blobs: _count, bytes: Number(_sum.bytes ?? 0), since: _min.markedAt?.toISOString() ?? null };
}

/** What the last collection that has ended counted, a dry run or not. */
export async function lastCounted(db: Lineage): Promise<StorageResource['counted']> {
  const job = await db.prisma.job.findFirst({
    where: { laneId: upkeepLane, kind: 'collection', state: 'succeeded' },
    orderBy: { sequence: 'desc' },
    select: { id: true, finishedAt: true, result: true },
  });
  if (job?.finishedAt == null) return null;
  const report: CollectionReport = readStored(collectionReportSchema, job.result, `the report of ${job.id}`);
  return { job_id: job.id, at: job.finishedAt.toISOString(), report };
}
