// What edits have cost: seconds an edit of finished jobs, so that a plan can say what another batch would take.
import { clientOf, type Db } from '../database/client.ts';

export interface EditCosts {
  /** Jobs looked at: the latest. */
  readonly jobs: number;
  /** Their median, editing and evaluating together; null where there are none. */
  readonly seconds_per_edit: number | null;
}

const jobsLookedAt = 50;

/** Of one editor on one model. Jobs that took over the work of another say nothing of their own, and edits that held already little. */
export async function editCosts(db: Db, modelId: string, editor: string): Promise<EditCosts> {
  const [found] = await clientOf(db).$queryRaw<[{ jobs: number; median: number | null }]>`
    SELECT count(*)::integer AS jobs, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds / edits) AS median
    FROM (
      SELECT (summary->'seconds'->>'edit')::double precision + (summary->'seconds'->>'evaluate')::double precision AS seconds,
        (summary->>'edits')::double precision - (summary->>'already_holds')::double precision AS edits
      FROM jobs
      WHERE kind = 'edit' AND model_id = ${modelId} AND input->>'editor' = ${editor}
        AND state IN ('succeeded', 'completed_with_errors', 'gated_out')
        AND (summary->>'edits')::integer > (summary->>'already_holds')::integer AND result->>'reused_job_id' IS NULL
      ORDER BY id DESC LIMIT ${jobsLookedAt}
    ) AS finished`;
  return { jobs: found.jobs, seconds_per_edit: found.median };
}
