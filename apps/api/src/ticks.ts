// Telling the queue about schedules. It may be away: the rows are true, and the workers' reconciler goes by them.
import type { ScheduleResource } from '@errata/contracts';
import { schedulesToRun } from '@errata/lineage';
import type { FastifyBaseLogger } from 'fastify';
import type { ApiParts } from './parts.ts';

/** Makes the queue tick for a schedule as it now is. */
export async function tellQueue(
  { dispatch }: ApiParts,
  log: FastifyBaseLogger,
  schedule: Pick<ScheduleResource, 'id' | 'cron'> & Partial<Pick<ScheduleResource, 'time_zone' | 'paused'>>,
): Promise<void> {
  const { id, cron, time_zone = 'UTC', paused = false } = schedule;
  try {
    const ticks = await dispatch.ticks();
    await (cron === null || paused ? ticks.remove(id) : ticks.upsert({ id, pattern: cron, time_zone }));
  } catch (err) {
    log.warn({ schedule: id, err }, 'the queue could not be told of a schedule');
  }
}

/** Ticks for the schedules of a branch that have something to decide, now that its inbox has changed. */
export async function tickBranch(
  { lineage, dispatch }: ApiParts,
  log: FastifyBaseLogger,
  branchId: string,
): Promise<void> {
  try {
    const due = await schedulesToRun(lineage, branchId);
    if (due.length === 0) return;
    const ticks = await dispatch.ticks();
    for (const id of due) await ticks.tick(id);
  } catch (err) {
    log.warn({ branch: branchId, err }, 'the schedules of a branch could not be ticked');
  }
}
