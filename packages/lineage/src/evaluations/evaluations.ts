// Evaluations as people read them: the whole, its results, its report.
import {
  type CaseResult,
  caseResultSchema,
  ErrataError,
  type EvaluationResource,
  evaluationOutcomeSchema,
  type HeldEdit,
  isTerminal,
  type JobState,
  type Page,
} from '@errata/contracts';
import { clientOf, type Db } from '../database/client.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readStored, readStoredOrNull } from '../database/stored.ts';
import type { Branch as BranchRow, Job as JobDbRow } from '../generated/client.ts';
import { type JobFilter, jobResource, jobsWhere } from '../jobs/jobs.ts';
import { evaluationInputSchema } from './work.ts';

/** `unknown_job` when there is no evaluation of this id. */
export async function getEvaluation(db: Db, id: string): Promise<EvaluationResource> {
  const row = await clientOf(db).job.findUnique({ where: { id }, include: { branch: true } });
  if (row?.kind !== 'evaluation') throw new ErrataError('unknown_job', `there is no evaluation ${JSON.stringify(id)}`);
  return (await evaluationResources(db, [row]))[0]!;
}

export interface EvaluationFilter extends Omit<JobFilter, 'kind' | 'parent_job_id'> {
  readonly version_id?: string | undefined;
}

/** Evaluations, newest first. The cursor is the id of one. */
export async function listEvaluations(
  db: Db,
  filter: EvaluationFilter = {},
  page: PageRequest = {},
): Promise<Page<EvaluationResource>> {
  const limit = page.limit ?? 20;
  const { version_id, ...common } = filter;
  const rows = await clientOf(db).job.findMany({
    where: {
      ...jobsWhere({ ...common, kind: 'evaluation' }, page),
      ...(version_id === undefined ? {} : { versionId: version_id }),
    },
    include: { branch: true },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  const found = pageOf(
    rows,
    limit,
    ({ id }) => id,
    (row) => row,
  );
  return { ...found, data: await evaluationResources(db, found.data) };
}

interface Counts {
  readonly job_id: string;
  readonly total: number;
  readonly measured: number;
  readonly failed: number;
}

async function evaluationResources(
  db: Db,
  rows: readonly (JobDbRow & { branch: BranchRow | null })[],
): Promise<EvaluationResource[]> {
  const ids = rows.map(({ id }) => id);
  const cases = await clientOf(db).$queryRaw<Counts[]>`
    SELECT job_id, count(*)::integer AS total, count(*) FILTER (WHERE result->>'outcome' = 'measured')::integer AS measured,
      count(*) FILTER (WHERE result->>'outcome' = 'failed')::integer AS failed
    FROM evaluation_cases WHERE job_id = ANY(${ids}) GROUP BY job_id`;
  const shards = await clientOf(db).job.findMany({
    where: { parentJobId: { in: ids } },
    select: { parentJobId: true, state: true },
  });
  const caused = await clientOf(db).job.findMany({
    where: { causeJobId: { in: ids } },
    select: { id: true, causeJobId: true },
  });
  return rows.map((row): EvaluationResource => {
    const { against, suite, editor } = readStored(evaluationInputSchema, row.input, `the input of ${row.id}`);
    const { total, measured, failed } = cases.find(({ job_id }) => job_id === row.id)!;
    const states = shards.flatMap(({ parentJobId, state }) => (parentJobId === row.id ? [state as JobState] : []));
    const job = jobResource(row);
    return {
      id: row.id,
      object: 'evaluation',
      state: job.state,
      model_id: row.modelId!,
      branch: job.branch,
      version_id: row.versionId!,
      against: { kind: against, version_id: row.parentVersionId! },
      suite,
      editor,
      cases: { total, measured, failed },
      shards: {
        total: states.length,
        running: states.filter((state) => state !== 'queued' && !isTerminal(state)).length,
        ended: states.filter(isTerminal).length,
      },
      summary: job.summary,
      outcome: readStoredOrNull(evaluationOutcomeSchema, job.result, `the result of ${row.id}`),
      gate: job.gate,
      rollback_job_id: caused.find(({ causeJobId }) => causeJobId === row.id)?.id ?? null,
      error: job.error === null ? null : { code: job.error.code, message: job.error.message },
      metadata: job.metadata,
      created_by: job.created_by,
      created_at: job.created_at,
      started_at: job.started_at,
      finished_at: job.finished_at,
    };
  });
}

/**
 * How the edits of a version did when they were last asked about, all of them, in the order in which they were made.
 * Null where that has not been done: no evaluation of the suite `applied` has ended well.
 */
export async function lastRetention(
  db: Db,
  modelId: string,
  versionId: string,
): Promise<{ readonly id: string; readonly at: Date; readonly edits: readonly (HeldEdit | null)[] } | null> {
  const [job] = await clientOf(db).$queryRaw<{ id: string; at: Date }[]>`
    SELECT id, finished_at AS at FROM jobs
    WHERE kind = 'evaluation' AND model_id = ${modelId} AND version_id = ${versionId}
      AND state IN ('succeeded', 'completed_with_errors')
      AND input -> 'suite' ->> 'source' = 'applied' AND jsonb_typeof(input -> 'editor') IS DISTINCT FROM 'object'
    ORDER BY id DESC LIMIT 1`;
  if (job === undefined) return null;
  const rows = await clientOf(db).$queryRaw<{ outcome: string; exact: number | null; token: number | null }[]>`
    SELECT result ->> 'outcome' AS outcome,
      max((measure ->> 'value')::float8) FILTER (WHERE measure ->> 'metric' = 'reliability.exact') AS exact,
      max((measure ->> 'value')::float8) FILTER (WHERE measure ->> 'metric' = 'reliability.token') AS token
    FROM evaluation_cases LEFT JOIN LATERAL jsonb_array_elements(result -> 'measures') AS measure ON true
    WHERE job_id = ${job.id} GROUP BY position, outcome ORDER BY position`;
  return {
    ...job,
    edits: rows.map(({ outcome, exact, token }) =>
      outcome !== 'measured' || (exact === null && token === null) ? null : { exact, token },
    ),
  };
}

export interface ResultFilter {
  readonly outcome?: CaseResult['outcome'] | undefined;
  readonly changed?: boolean | undefined;
}

/** Results that there are so far, in order of the cases. The cursor is a position. `unknown_job`. */
export async function listResults(
  db: Db,
  evaluationId: string,
  filter: ResultFilter = {},
  page: PageRequest = {},
): Promise<Page<CaseResult>> {
  const limit = page.limit ?? 20;
  const after = page.after === undefined ? -1 : numericCursor(page.after);
  const { outcome = null, changed = null } = filter;
  const rows = await clientOf(db).$queryRaw<{ position: number; result: unknown }[]>`
    SELECT position, result FROM evaluation_cases
    WHERE job_id = ${evaluationId} AND position > ${after} AND result IS NOT NULL
      AND (${outcome}::text IS NULL OR result->>'outcome' = ${outcome})
      AND (${changed}::boolean IS NULL OR (result->>'changed')::boolean = ${changed})
    ORDER BY position LIMIT ${limit + 1}`;
  return pageOf(
    rows,
    limit,
    ({ position }) => String(position),
    ({ position, result }) => readStored(caseResultSchema, result, `the result of case ${position} of ${evaluationId}`),
  );
}

/** The report of an evaluation as a page of HTML. `unknown_job`; `not_found` while it has none. */
export async function getReport(db: Db, evaluationId: string): Promise<string> {
  const row = await clientOf(db).evaluationReport.findUnique({ where: { jobId: evaluationId } });
  if (row !== null) return row.page;
  const { state } = await getEvaluation(db, evaluationId);
  throw new ErrataError('not_found', `${evaluationId} is ${state} and has no report`, { details: { state } });
}

/** Names of the metrics that there are figures for, in order. */
export async function metricsOf(db: Db, evaluationId: string): Promise<readonly string[]> {
  const rows = await clientOf(db).$queryRaw<{ metric: string }[]>`
    SELECT DISTINCT measure->>'metric' AS metric
    FROM evaluation_cases, jsonb_array_elements(result->'measures') AS measure WHERE job_id = ${evaluationId}`;
  return rows.map(({ metric }) => metric).sort();
}
