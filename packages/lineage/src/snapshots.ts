// Snapshots: versions that are stored whole, found by whoever opens a version on the way back along its chain. They are derived: any
// of them can be dropped and made again.
import { ErrataError, failpoint } from '@errata/contracts';
import { asJson, clientOf, type Db, type Lineage, type Tx } from './client.ts';

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
 * Notes a snapshot, and lets go of those that are no longer worth their bytes. Two workers may store the same one: it is the same
 * blob, and the first note stays.
 */
export async function recordSnapshot(db: Lineage, snapshot: NewSnapshot): Promise<void> {
  const { model_id, tip, version, blob, bytes, replay_ms, load_ms } = snapshot;
  await failpoint('snapshot.before_record');
  await db.prisma.$transaction(async (tx) => {
    const { depth } = await tx.contribution.findUniqueOrThrow({ where: { id: tip }, select: { depth: true } });
    await tx.snapshot.createMany({
      data: {
        versionId: version,
        modelId: model_id,
        contributionId: tip,
        depth,
        blob,
        bytes,
        measured: asJson({ replay_ms, load_ms }),
      },
      skipDuplicates: true,
    });
    await thin(tx, model_id, tip, depth);
  });
  await failpoint('snapshot.after_record');
}

/**
 * Along a chain, two snapshots stay in each octave of the distance from its end: close together near the end, where versions are
 * opened, farther and farther apart behind it, about twice as many as the chain's length has binary digits. What a branch,
 * an alias or a tag is opened from stays in any case.
 */
async function thin(tx: Tx, modelId: string, tip: string, depth: number): Promise<void> {
  const stored = await tx.$queryRaw<{ version_id: string; contribution_id: string; depth: number }[]>`
    SELECT version_id, contribution_id, depth FROM snapshots
    WHERE model_id = ${modelId} AND depth < ${depth} AND chain_at(${tip}, depth) = contribution_id
    ORDER BY depth DESC`;
  const octaveOf = (snapshot: { readonly depth: number }) => Math.floor(Math.log2(depth - snapshot.depth));
  for (const octave of new Set(stored.map(octaveOf))) {
    const members = stored.filter((snapshot) => octaveOf(snapshot) === octave);
    // The nearest and the farthest frame the octave; those between are let go.
    for (const { version_id } of members.slice(1, -1)) {
      await tx.$executeRaw`
        DELETE FROM snapshots s WHERE version_id = ${version_id} AND NOT EXISTS (
          SELECT 1 FROM live_tips live
          WHERE live.model_id = s.model_id AND chain_at(live.tip_id, s.depth) = s.contribution_id
            AND NOT EXISTS (
              SELECT 1 FROM snapshots nearer
              WHERE nearer.model_id = s.model_id AND nearer.depth > s.depth
                AND chain_at(live.tip_id, nearer.depth) = nearer.contribution_id))`;
    }
  }
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
