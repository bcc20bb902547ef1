// The check: every rule of the lineage, and every blob that anything names, present and as its name says.
import type { BlobStore } from '@errata/blobs';
import { type CheckReport, ErrataError, type ProblemFinding, type ProblemKind } from '@errata/contracts';
import { auditLineage, type Lineage, type NamedBlob, namedBlobs } from '@errata/lineage';

export interface UpkeepProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

export interface CheckOptions {
  /** Reads every blob; otherwise only lengths are looked at. */
  readonly content: boolean;
  /** What is wrong with a snapshot, or null; snapshots are not opened when left out. */
  readonly snapshotFault?: ((version: string) => Promise<string | null>) | undefined;
  readonly onProgress?: ((progress: UpkeepProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Problems that a report names; the others are counted. */
const problemsNamed = 1000;

/**
 * Looks at everything and changes nothing. Work may go on meanwhile: names are read before the store is, so that a blob which is
 * named is one that was there.
 */
export async function checkEverything(db: Lineage, blobs: BlobStore, options: CheckOptions): Promise<CheckReport> {
  const { content, snapshotFault, onProgress, signal } = options;
  const begun = performance.now();
  const checked: Record<keyof CheckReport['checked'], number> = {
    blobs: 0,
    bytes: 0,
    references: 0,
    contributions: 0,
    versions: 0,
    branches: 0,
    moves: 0,
    aliases: 0,
    tags: 0,
    snapshots: 0,
    jobs: 0,
    audit_entries: 0,
  };
  const byKind = new Map<ProblemKind, number>();
  const problems: ProblemFinding[] = [];
  const note = (problem: ProblemFinding) => {
    byKind.set(problem.kind, (byKind.get(problem.kind) ?? 0) + 1);
    if (problems.length < problemsNamed) problems.push(problem);
  };

  for await (const step of auditLineage(db)) {
    signal?.throwIfAborted();
    if ('problem' in step) note(step.problem);
    else {
      checked[step.checked] += step.count;
      onProgress?.({ phase: `check ${step.checked}`, done: checked[step.checked], total: checked[step.checked] });
    }
  }

  const named = new Map<string, NamedBlob>();
  for await (const reference of namedBlobs(db)) {
    checked.references += 1;
    const known = named.get(reference.blob);
    // One that says how long it is, and that it cannot be made again, says more.
    if (
      known === undefined ||
      (known.bytes === null && reference.bytes !== null) ||
      (known.derived && !reference.derived)
    )
      named.set(reference.blob, reference);
  }

  const unnamed = { blobs: 0, bytes: 0 };
  const seen = new Set<string>();
  for await (const { sha256, size } of blobs.list()) {
    signal?.throwIfAborted();
    const reference = named.get(sha256);
    if (reference === undefined) {
      unnamed.blobs += 1;
      unnamed.bytes += size;
      continue;
    }
    seen.add(sha256);
    checked.blobs += 1;
    checked.bytes += size;
    onProgress?.({ phase: 'check blobs', done: checked.blobs, total: named.size });
    const fault = await blobFault(blobs, reference, size, content);
    if (fault !== null) note({ kind: 'blob_corrupt', where: sha256, what: `${fault} (${described(reference)})` });
  }
  for (const [blob, reference] of named) {
    // A snapshot may have been let go since its name was read.
    if (seen.has(blob) || (reference.derived && !(await isNamedStill(db, blob)))) continue;
    if (await blobs.has(blob)) continue;
    note({ kind: 'blob_missing', where: blob, what: `it is not in the store (${described(reference)})` });
  }

  if (snapshotFault !== undefined) {
    const stored = await db.prisma.snapshot.findMany({ select: { versionId: true }, orderBy: { versionId: 'asc' } });
    for (const [index, { versionId }] of stored.entries()) {
      signal?.throwIfAborted();
      onProgress?.({ phase: 'open snapshots', done: index, total: stored.length });
      const fault = await snapshotFault(versionId);
      if (fault !== null) note({ kind: 'snapshot_broken', where: versionId, what: fault });
    }
  }

  const count = [...byKind.values()].reduce((sum, each) => sum + each, 0);
  return {
    ok: count === 0,
    checked,
    unnamed,
    problem_count: count,
    by_kind: Object.fromEntries(byKind),
    problems,
    seconds: (performance.now() - begun) / 1000,
  };
}

const described = ({ by, derived }: NamedBlob): string => (derived ? `${by}; it can be dropped and made again` : by);

/** What is wrong with a blob that is there; null when nothing is. */
async function blobFault(
  blobs: BlobStore,
  { blob, bytes }: NamedBlob,
  size: number,
  content: boolean,
): Promise<string | null> {
  if (bytes !== null && bytes !== size) return `it has ${size} bytes instead of ${bytes}`;
  if (!content) return null;
  try {
    await blobs.verify(blob);
    return null;
  } catch (error) {
    if (!(error instanceof ErrataError) || error.code !== 'blob_corrupt') throw error;
    return 'its content does not match its name';
  }
}

const isNamedStill = async (db: Lineage, blob: string): Promise<boolean> =>
  (await db.prisma.snapshot.count({ where: { blob } })) > 0;
