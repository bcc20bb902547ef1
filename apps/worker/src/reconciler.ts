// The reconciler: wakes every lane that has work and that nobody holds. It makes losing wake-ups harmless.
import { lanesNeedingWork } from '@errata/lineage';
import type { WorkerContext } from './context.ts';

export interface Reconciler {
  stop(): Promise<void>;
}

type Needs = Pick<WorkerContext, 'settings' | 'lineage' | 'dispatch' | 'metrics' | 'log'>;

/** Looks at once, and then again `reconcileMs` after each look. Every worker runs one; wake-ups are deduplicated by lane. */
export function startReconciler({ settings, lineage, dispatch, metrics, log }: Needs): Reconciler {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    try {
      const lanes = await lanesNeedingWork(lineage);
      for (const lane of lanes) if (!stopped) await dispatch.wake(lane);
      metrics.lanesReconciled(lanes.length);
      if (lanes.length > 0) log.debug({ lanes }, 'woke lanes that nobody works');
    } catch (error) {
      log.warn({ error }, 'could not look for lanes that nobody works');
    }
    if (!stopped) timer = setTimeout(run, settings.reconcileMs);
  };
  let looking: Promise<void> = Promise.resolve();
  const run = () => {
    looking = look();
  };
  run();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
