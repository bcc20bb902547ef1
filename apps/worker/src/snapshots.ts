// Snapshots: once a branch has moved, its head is stored whole if what opening it takes says that this pays. No job waits for it.
import { ErrataError } from '@errata/contracts';
import { getModel, groundAt, recordSnapshot } from '@errata/lineage';
import type { WorkerContext } from './context.ts';
import { modelReference } from './models.ts';

type Needs = Pick<WorkerContext, 'lineage' | 'engine' | 'log' | 'metrics'>;

export interface Snapshots {
  /** Looks at a branch after a job has moved it; returns at once. While one look is under way, one more waits at most. */
  consider(branchId: string): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

/**
 * Every failure is survived: a snapshot saves time, and nothing rests upon it. A crash leaves at most a blob that nothing names, which
 * the collector finds.
 */
export function makeSnapshots(needs: Needs): Snapshots {
  const { log } = needs;
  const waiting = new Set<string>();
  let working: Promise<void> | null = null;

  const work = async () => {
    for (const branchId of waiting) {
      waiting.delete(branchId);
      try {
        await storeIfItPays(needs, branchId);
      } catch (error) {
        // The engine is stopped before what it was asked for has ended; there will be other occasions.
        const stopping = error instanceof ErrataError && error.code === 'unavailable';
        if (!stopping) log.warn({ branch: branchId, error }, 'no snapshot was stored');
      }
    }
    working = null;
  };

  return {
    consider: (branchId) => {
      waiting.add(branchId);
      working ??= work();
    },
    settled: async () => {
      await working;
    },
  };
}

async function storeIfItPays({ lineage, engine, log, metrics }: Needs, branchId: string): Promise<void> {
  const branch = await lineage.prisma.branch.findUniqueOrThrow({ where: { id: branchId } });
  if (branch.tipId === null) return;
  const model = await getModel(lineage, branch.modelId);
  const { source } = await groundAt(lineage, model.resource.digest, branch.tipId);
  if (source.deltas.length === 0) return;
  const { stored, replay_ms, load_ms } = await engine.call('snapshot', { model: modelReference(model), source });
  if (stored === null) return;
  await recordSnapshot(lineage, { model_id: branch.modelId, tip: branch.tipId, ...stored, replay_ms, load_ms });
  metrics.snapshotStored(stored.bytes);
  log.info({ branch: branchId, ...stored, replay_ms, load_ms }, 'stored a version whole');
}
