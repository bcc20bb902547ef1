// The collection: blobs that nothing names are marked, and deleted once they have stayed unnamed for the grace period.
import type { BlobEntry, BlobStore } from '@errata/blobs';
import type { BlobUsage, CollectionReport } from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import {
  databaseNow,
  dropUnusedSnapshots,
  type Lineage,
  listGarbage,
  markGarbage,
  namedBlobs,
  oldestWork,
  unmarkGarbage,
} from '@errata/lineage';
import type { UpkeepProgress } from './check.ts';

export interface CollectOptions {
  readonly dryRun: boolean;
  readonly graceMs: number;
  readonly onProgress?: ((progress: UpkeepProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Blobs that a report names; the others are counted. */
const blobsNamed = 100;
/** The largest blobs that it names, with what they are. */
const largestNamed = 10;

/**
 * What makes this safe beside work that goes on: a blob is put, or put again, before anything names it, and putting it changes the
 * time that the store has for it. So a blob is deleted only when (1) a collection marked it as unnamed at least a grace period ago,
 * (2) nothing names it now, (3) nobody has put it since it was marked, and (4) no job under way was begun before it was marked, of
 * which an attempt may have put it to name it at its end. The store looks at the time once more in the moment of deletion. Marks and
 * jobs are dated by the database, and the store's time is only compared with itself: no two clocks have to agree. Killed anywhere, a
 * collection has deleted blobs that were to be deleted, and the next one goes on.
 */
export async function collectGarbage(
  db: Lineage,
  blobs: BlobStore,
  options: CollectOptions,
): Promise<CollectionReport> {
  const { dryRun, graceMs, onProgress, signal } = options;
  const begun = performance.now();
  const none = () => ({ blobs: 0, bytes: 0 });
  const report = { named: none(), marked: none(), waiting: none(), deleted: none() };
  const add = (part: keyof typeof report, size: number) => {
    report[part].blobs += 1;
    report[part].bytes += size;
  };

  if (!dryRun) await failpoint('gc.before_drop');
  const snapshots_dropped = await dropUnusedSnapshots(db, dryRun);
  if (!dryRun) await failpoint('gc.after_drop');
  // In this order: what was put before the clock was read and is named since then is found among the names.
  const now = await databaseNow(db);
  const markedBefore = now.getTime() - graceMs;
  const workSince = (await oldestWork(db))?.getTime() ?? Infinity;
  const marks = new Map((await listGarbage(db)).map((mark) => [mark.blob, mark]));
  const found: BlobEntry[] = [];
  for await (const entry of blobs.list()) {
    signal?.throwIfAborted();
    found.push(entry);
  }
  const largest = new Map(
    found
      .toSorted((a, b) => b.size - a.size)
      .slice(0, largestNamed)
      .map(({ sha256, size }) => [sha256, { blob: sha256, bytes: size, by: null as string | null }]),
  );
  const uses = new Map<string, BlobUsage>();
  const named = new Map<string, BlobUsage>();
  for await (const { blob, use, kind, by } of namedBlobs(db)) {
    signal?.throwIfAborted();
    const usage = uses.get(`${use} ${kind}`) ?? { use, kind, ...none() };
    uses.set(`${use} ${kind}`, usage);
    if (!named.has(blob)) named.set(blob, usage);
    const large = largest.get(blob);
    if (large !== undefined) large.by ??= by;
  }

  const toMark: BlobEntry[] = [];
  const toDelete: BlobEntry[] = [];
  const present = new Set<string>();
  for (const entry of found) {
    present.add(entry.sha256);
    const usage = named.get(entry.sha256);
    if (usage !== undefined) {
      usage.blobs += 1;
      usage.bytes += entry.size;
      add('named', entry.size);
      continue;
    }
    const mark = marks.get(entry.sha256);
    if (mark?.storedAt.getTime() !== entry.storedAt.getTime()) {
      toMark.push(entry);
      add('marked', entry.size);
    } else if (mark.markedAt.getTime() > Math.min(markedBefore, workSince)) add('waiting', entry.size);
    else toDelete.push(entry);
  }

  if (!dryRun) {
    await failpoint('gc.before_mark');
    const anew = new Set(toMark.map(({ sha256 }) => sha256));
    const gone = [...marks.keys()].filter((blob) => named.has(blob) || anew.has(blob) || !present.has(blob));
    await unmarkGarbage(db, gone);
    await failpoint('gc.after_unmark');
    await markGarbage(
      db,
      toMark.map(({ sha256: blob, size: bytes, storedAt }) => ({ blob, bytes, storedAt })),
    );
    await failpoint('gc.after_mark');
  }
  for (const [index, entry] of toDelete.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'delete', done: index, total: toDelete.length });
    if (!dryRun) {
      await failpoint('gc.before_delete');
      if (!(await blobs.delete(entry.sha256, { ifStoredAt: entry.storedAt }))) {
        add('waiting', entry.size);
        continue;
      }
      await failpoint('gc.after_delete');
    }
    add('deleted', entry.size);
  }
  if (!dryRun) {
    await failpoint('gc.before_forget');
    await unmarkGarbage(
      db,
      toDelete.map(({ sha256 }) => sha256),
    );
    await failpoint('gc.after_forget');
  }
  return {
    dry_run: dryRun,
    ...report,
    uses: [...uses.values()].filter(({ blobs }) => blobs > 0).sort((a, b) => b.bytes - a.bytes),
    largest: [...largest.values()],
    snapshots_dropped,
    blobs: toDelete.slice(0, blobsNamed).map(({ sha256 }) => sha256),
    seconds: (performance.now() - begun) / 1000,
  };
}
