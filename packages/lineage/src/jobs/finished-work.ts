// Work that is done: a job that has solved the same edits on the same version is taken over instead of solved again.
import {
  type EditResult,
  type EvaluationSummary,
  evaluationSummarySchema,
  type GateVerdict,
  gateVerdictSchema,
} from '@errata/contracts';
import { clientOf, type Db } from '../database/client.ts';
import { readRecord, readStored, readStoredOrNull } from '../database/stored.ts';
import { beforeJobOf, type Link, readChain } from '../history/contributions.ts';
import { editsOfJob } from './edits.ts';

/** What a job left that committed a version, or found that nothing had to change. */
export interface FinishedWork {
  readonly job_id: string;
  readonly withErrors: boolean;
  /** What it added to its parent, in order. */
  readonly links: readonly Link[];
  /** Its edits in input order. */
  readonly edits: readonly { readonly id: string; readonly result: EditResult }[];
  readonly summary: EvaluationSummary;
  /** Null where nothing changed. */
  readonly gate: GateVerdict | null;
  readonly result: Readonly<Record<string, unknown>>;
}

/** The latest job that did the work of this digest on this version, whichever branch it was on; null where there is none. */
export async function findFinishedWork(
  db: Db,
  modelId: string,
  parentVersion: string,
  digest: string,
): Promise<FinishedWork | null> {
  const client = clientOf(db);
  const [found] = await client.$queryRaw<{ id: string }[]>`
    SELECT id FROM jobs
    WHERE model_id = ${modelId} AND parent_version_id = ${parentVersion} AND kind = 'edit' AND version_id IS NOT NULL
      AND state IN ('succeeded', 'completed_with_errors') AND result->>'work_digest' = ${digest}
    ORDER BY id DESC LIMIT 1`;
  if (found === undefined) return null;
  const job = await client.job.findUniqueOrThrow({ where: { id: found.id }, include: { move: true } });
  const tip = job.move?.tipId ?? null;
  const edits = (await editsOfJob(db, job.id)).flatMap(({ id, result }) => (result === null ? [] : [{ id, result }]));
  const unchanged = job.versionId === parentVersion;
  if (job.summary === null || (!unchanged && (tip === null || job.gate === null))) return null;
  return {
    job_id: job.id,
    withErrors: job.state === 'completed_with_errors',
    links: unchanged || tip === null ? [] : await readChain(db, tip, await beforeJobOf(db, { id: tip })),
    edits,
    summary: readStored(evaluationSummarySchema, job.summary, `the summary of ${job.id}`),
    gate: readStoredOrNull(gateVerdictSchema, job.gate, `the verdict of ${job.id}`),
    result: readRecord(job.result, `the result of ${job.id}`),
  };
}
