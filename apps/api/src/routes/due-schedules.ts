// Schedules whose branch's inbox has just changed: what is due now is run with the change, and not when a worker looks next.
import { runDueSchedules } from '@errata/lineage';
import type { FastifyBaseLogger } from 'fastify';
import type { ApiParts } from '../parts.ts';

/** Runs what is due of a branch. What fails is due still, and found by the workers' clocks: nothing is thrown. */
export async function runDueOfBranch(
  { lineage, dispatch }: ApiParts,
  log: FastifyBaseLogger,
  branchId: string,
): Promise<void> {
  const onFailure = (schedule: string | undefined, err: unknown) =>
    log.warn({ branch: branchId, schedule, err }, 'what is due of a branch could not be run');
  try {
    await runDueSchedules(lineage, {
      branchId,
      onRun: async ({ id, schedule_id, outcome, job_id }, lane) => {
        log.info({ schedule: schedule_id, run: id, outcome, job: job_id }, 'schedule ran');
        if (lane !== null) await dispatch.wake(lane);
      },
      onFailure,
    });
  } catch (err) {
    onFailure(undefined, err);
  }
}
