// Batches of a branch that a gate has judged, with what was measured of each.
import type { EvaluationSummary, GateVerdict, JobResource } from '@errata/contracts';
import { clientOf, type Db } from '../database/client.ts';
import { jobResource } from '../jobs/jobs.ts';

export interface JudgedBatch {
  readonly job: JobResource;
  readonly summary: EvaluationSummary;
  readonly gate: GateVerdict;
}

/** The latest edit jobs of a branch that were judged, newest first; trials are left out. */
export async function judgedBatches(db: Db, branchId: string, limit: number): Promise<readonly JudgedBatch[]> {
  const client = clientOf(db);
  const ids = await client.$queryRaw<{ id: string }[]>`
    SELECT id FROM jobs
    WHERE branch_id = ${branchId} AND kind = 'edit' AND gate IS NOT NULL AND summary IS NOT NULL
      AND (input ->> 'trial') IS DISTINCT FROM 'true'
    ORDER BY id DESC LIMIT ${limit}`;
  const rows = await client.job.findMany({
    where: { id: { in: ids.map(({ id }) => id) } },
    include: { branch: true },
    orderBy: { id: 'desc' },
  });
  return rows.map(jobResource).flatMap((job) => {
    const { summary, gate } = job;
    return summary === null || gate === null ? [] : [{ job, summary, gate }];
  });
}
