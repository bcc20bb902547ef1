// Snapshots: a version that is dear to open is stored whole, so that whoever opens it next is spared the deltas. Nobody waits for it.
import { ErrataError, snapshotDeltas, type VersionSource, versionId } from '@errata/contracts';
import {
  getModel,
  type Lineage,
  type NewSnapshot,
  type OpenableModel,
  recordSnapshot,
  sourceAt,
  tipOfVersion,
  touchSnapshot,
} from '@errata/lineage';

/** What an engine says of a version: what opening it takes, and what it stored if that paid. */
export type Folded = Pick<NewSnapshot, 'replay_ms' | 'load_ms'> & {
  readonly stored: Pick<NewSnapshot, 'version' | 'blob' | 'bytes'> | null;
};

export interface SnapshotsOptions {
  readonly lineage: Lineage;
  /** Has an engine store a version whole if that pays. */
  readonly fold: (model: OpenableModel, source: VersionSource) => Promise<Folded>;
  readonly onStored: (snapshot: NewSnapshot) => void;
  /** Told which branch or version it was about. */
  readonly onFailure: (error: unknown, about: string) => void;
}

export interface Snapshots {
  /** Looks at the head of a branch after a job has moved it; returns at once. */
  moved(branchId: string): void;
  /** Looks at a version, of a branch's past perhaps, after it was opened; returns at once. */
  opened(model: OpenableModel, source: VersionSource): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

/**
 * One look is under way at a time; of each branch and version one more waits at most. Every failure is survived: a snapshot saves
 * time, and nothing rests upon it. A crash leaves at most a blob that nothing names, which the collector finds.
 */
export function makeSnapshots({ lineage, fold, onStored, onFailure }: SnapshotsOptions): Snapshots {
  const waiting = new Map<string, () => Promise<void>>();
  let working: Promise<void> | null = null;

  const work = async () => {
    for (const [about, look] of waiting) {
      waiting.delete(about);
      try {
        await look();
      } catch (error) {
        // The engine is stopped before what it was asked for has ended; there will be other occasions.
        const stopping = error instanceof ErrataError && error.code === 'unavailable';
        if (!stopping) onFailure(error, about);
      }
    }
    working = null;
  };

  const later = (about: string, look: () => Promise<void>) => {
    waiting.set(about, look);
    working ??= work();
  };

  const storeIfItPays = async (model: OpenableModel, source: VersionSource, tip: string, used: boolean) => {
    if (source.deltas.length < snapshotDeltas) return;
    const { stored, replay_ms, load_ms } = await fold(model, source);
    if (stored === null) return;
    const snapshot = { model_id: model.resource.id, tip, ...stored, replay_ms, load_ms };
    await recordSnapshot(lineage, snapshot, { used });
    onStored(snapshot);
  };

  return {
    moved: (branchId) =>
      later(branchId, async () => {
        const { modelId, tipId } = await lineage.prisma.branch.findUniqueOrThrow({ where: { id: branchId } });
        if (tipId === null) return;
        const model = await getModel(lineage, modelId);
        await storeIfItPays(model, await sourceAt(lineage, model.resource.digest, tipId), tipId, false);
      }),
    opened: (model, source) => {
      const { snapshot, deltas } = source;
      if (snapshot === undefined && deltas.length < snapshotDeltas) return;
      const version = versionId(source);
      later(version, async () => {
        if (snapshot !== undefined) await touchSnapshot(lineage, snapshot.version);
        // What was only tried is no version: it is opened once.
        const tip = await tipOfVersion(lineage, model.resource.id, version);
        if (tip !== null) await storeIfItPays(model, source, tip, true);
      });
    },
    settled: async () => {
      await working;
    },
  };
}
