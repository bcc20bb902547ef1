// Snapshots: versions that are stored whole, found by whoever opens a version on the way back along its chain. They are derived: any
// of them can be dropped and made again.
import { ErrataError } from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';

export interface NewSnapshot {
  readonly model_id: string;
  /** The link that the version ends at. */
  readonly tip: string;
  readonly version: string;
  /** Already stored. */
  readonly blob: string;
  readonly bytes: number;
  /** What opening the version took without the snapshot, and takes with it, in ms. */
  readonly replay_ms: number;
  readonly load_ms: number;
}

/**
 * Of versions that were stored whole because somebody opened them, away from the end of any branch, as many stay for each model: those
 * used last. A bisect of ten thousand moves stores ten or so.
 */
export const usedSnapshotsKept = 16;

/**
 * Notes a snapshot, and lets go of those that are no longer worth their bytes. Two processes may store the same one: it is the same
 * blob, and the first note stays.
 * @param options `used`: made for whoever opens the version again, and not as the end of a branch passed by
 */
export async function recordSnapshot(
  db: Lineage,
  snapshot: NewSnapshot,
  { used = false }: { readonly used?: boolean } = {},
): Promise<void> {
  const { model_id, tip, version, blob, bytes, replay_ms, load_ms } = snapshot;
  await failpoint('snapshot.before_record');
  await db.prisma.$transaction(async (tx) => {
    const { depth } = await tx.contribution.findUniqueOrThrow({ where: { id: tip }, select: { depth: true } });
    const measured = JSON.stringify({ replay_ms, load_ms });
    await tx.$executeRaw`
      INSERT INTO snapshots (version_id, model_id, contribution_id, depth, blob, bytes, measured, used_at)
      VALUES (${version}, ${model_id}, ${tip}, ${depth}, ${blob}, ${bytes}::bigint, ${measured}::jsonb, CASE WHEN ${used} THEN now() END)
      ON CONFLICT DO NOTHING`;
    if (used) await letUnusedGo(tx, model_id);
    else await thin(tx, model_id, tip, depth);
  });
  await failpoint('snapshot.after_record');
}

/** Notes that a version was opened from a snapshot: of those made for such use, the ones used last stay. */
export async function touchSnapshot(db: Db, version: string): Promise<void> {
  // A version in steady use is noted once a minute.
  await clientOf(db).$executeRaw`
    UPDATE snapshots SET used_at = now() WHERE version_id = ${version} AND used_at < now() - interval '1 minute'`;
}

async function letUnusedGo(tx: Tx, modelId: string): Promise<void> {
  const rows = await tx.$queryRaw<{ version_id: string }[]>`
    SELECT version_id FROM snapshots WHERE model_id = ${modelId} AND used_at IS NOT NULL
    ORDER BY used_at DESC, version_id OFFSET ${usedSnapshotsKept}`;
  await dropUnlessNearest(tx, rows);
}

/**
 * Along a chain, two snapshots stay in each octave of the distance from its end: close together near the end, where versions are
 * opened, farther and farther apart behind it, about twice as many as the chain's length has binary digits. What a branch,
 * an alias or a tag is opened from stays in any case.
 */
async function thin(tx: Tx, modelId: string, tip: string, depth: number): Promise<void> {
  const stored = await tx.$queryRaw<{ version_id: string; depth: number }[]>`
    SELECT version_id, depth FROM snapshots
    WHERE model_id = ${modelId} AND depth < ${depth} AND used_at IS NULL AND chain_at(${tip}, depth) = contribution_id
    ORDER BY depth DESC`;
  const octaveOf = (snapshot: { readonly depth: number }) => Math.floor(Math.log2(depth - snapshot.depth));
  for (const octave of new Set(stored.map(octaveOf))) {
    const members = stored.filter((snapshot) => octaveOf(snapshot) === octave);
    // The nearest and the farthest frame the octave; those between are let go.
    await dropUnlessNearest(tx, members.slice(1, -1));
  }
}

/** Forgets snapshots, but not the one that a branch, an alias or a tag is opened from. */
async function dropUnlessNearest(tx: Tx, snapshots: readonly { readonly version_id: string }[]): Promise<void> {
  if (snapshots.length === 0) return;
  await tx.$executeRaw`
    DELETE FROM snapshots s WHERE version_id = ANY(${snapshots.map(({ version_id }) => version_id)}) AND NOT EXISTS (
      SELECT 1 FROM live_tips live
      WHERE live.model_id = s.model_id AND chain_at(live.tip_id, s.depth) = s.contribution_id
        AND NOT EXISTS (
          SELECT 1 FROM snapshots nearer
          WHERE nearer.model_id = s.model_id AND nearer.depth > s.depth
            AND chain_at(live.tip_id, nearer.depth) = nearer.contribution_id))`;
}

/**
 * Forgets the snapshot whose blob an error says is lost or damaged; false when the error is about something else. What the snapshot
 * stood for is in the chain: whoever opens the version again does it from there.
 */
export async function forgetBrokenSnapshot(db: Db, error: unknown): Promise<boolean> {
  if (!(error instanceof ErrataError) || (error.code !== 'blob_missing' && error.code !== 'blob_corrupt')) return false;
  const { blob } = error.details;
  return typeof blob === 'string' && dropSnapshots(db, blob);
}

/** Forgets the snapshots that a blob holds; true when there was one. */
export async function dropSnapshots(db: Db, blob: string): Promise<boolean> {
  const { count } = await clientOf(db).snapshot.deleteMany({ where: { blob } });
  return count > 0;
}
