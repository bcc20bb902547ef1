// Work that ended badly, by its cause.
import type { badEnds, Failures, JobKind } from '@errata/contracts';
import type { Lineage } from '../database/client.ts';

type Cause = Failures['causes'][number];

interface CauseRow {
  readonly state: (typeof badEnds)[number];
  readonly kind: JobKind;
  readonly cause: string;
  readonly jobs: bigint;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly last_job_id: string;
  readonly message: string | null;
}

const mostCauses = 100;

/**
 * Jobs that have failed, were rejected or gated out since, counted by state, kind and cause, the most frequent first. A candidate that
 * broke several rules counts for each of them. Shards are left out: their evaluation ends as they do.
 */
export async function causesOfFailures(db: Lineage, since: Date): Promise<readonly Cause[]> {
  const rows = await db.prisma.$queryRaw<CauseRow[]>`
    WITH ended AS (
      SELECT id, state, kind, finished_at, gate, error ->> 'code' AS code, error ->> 'message' AS message FROM jobs
      WHERE state IN ('failed', 'rejected', 'gated_out') AND finished_at >= ${since} AND parent_job_id IS NULL
    ), causes AS (
      SELECT id, state, kind, finished_at, message, code AS cause FROM ended
      WHERE state <> 'gated_out' AND code IS NOT NULL
      UNION ALL
      SELECT id, state, kind, finished_at, message, finding ->> 'metric' FROM ended
      CROSS JOIN LATERAL jsonb_array_elements(gate -> 'findings') AS finding
      WHERE state = 'gated_out' AND finding ->> 'outcome' = 'failed'
    )
    SELECT state, kind, cause, count(DISTINCT id) AS jobs, min(finished_at) AS first_at, max(finished_at) AS last_at,
      (array_agg(id ORDER BY finished_at DESC))[1] AS last_job_id, (array_agg(message ORDER BY finished_at DESC))[1] AS message
    FROM causes GROUP BY state, kind, cause ORDER BY jobs DESC, last_at DESC LIMIT ${mostCauses}`;
  return rows.map(({ jobs, first_at, last_at, ...cause }) => ({
    ...cause,
    jobs: Number(jobs),
    first_at: first_at.toISOString(),
    last_at: last_at.toISOString(),
  }));
}
