// The reconciler: wakes every lane that has work and that nobody holds, and ticks for every schedule that is due. It makes losing what was queued harmless.
import { expireApprovals, lanesNeedingWork } from '@errata/lineage';
import type { WorkerContext } from './context.ts';
import { mendTicks, tickDue } from './schedules.ts';

export interface Reconciler {
  stop(): Promise<void>;
}

type Needs = Pick<WorkerContext, 'settings' | 'lineage' | 'dispatch' | 'ticks' | 'metrics' | 'log'>;

/** Looks at once, and then again `reconcileMs` after each look. Every worker runs one; wake-ups are deduplicated by lane. */
export function startReconciler({ settings, lineage, dispatch, ticks, metrics, log }: Needs): Reconciler {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const wakeLanes = async () => {
    const lanes = await lanesNeedingWork(lineage);
    for (const lane of lanes) if (!stopped) await dispatch.wake(lane);
    metrics.lanesReconciled(lanes.length);
    if (lanes.length > 0) log.debug({ lanes }, 'woke lanes that nobody works');
  };
  const tickSchedules = async () => {
    metrics.ticksReconciled(await tickDue({ lineage, ticks }));
    const mended = await mendTicks({ lineage, ticks });
    if (mended.length > 0) log.info({ schedules: mended }, 'told the queue when schedules are due');
  };
  const endApprovals = async () => {
    const expired = await expireApprovals(lineage);
    if (expired.length > 0) log.info({ jobs: expired }, 'nobody approved these candidates in time');
  };
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      log.warn({ error }, `could not look for ${what}`);
    }
  };
  const look = async () => {
    await attempt('lanes that nobody works', wakeLanes);
    if (!stopped) await attempt('schedules that are due', tickSchedules);
    if (!stopped) await attempt('approvals that took too long', endApprovals);
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
