// Evaluations as workers carry them out and people read them: the cases of a shard, what each found, the whole.
import {
  addCosts,
  type CaseRange,
  type CaseResult,
  type Cost,
  costSchema,
  type DeltaReference,
  deltaReferenceSchema,
  ErrataError,
  type EvaluatedEditor,
  type EvaluationOutcome,
  type EvaluationResource,
  type EvaluationSummary,
  evaluatedEditorSchema,
  evaluationOutcomeSchema,
  failpoint,
  type GateVerdict,
  isTerminal,
  type JobState,
  type Moment,
  type Page,
  type PlacedCase,
  type SuiteCase,
  suiteSources,
  type VersionSource,
} from '@errata/contracts';
import { z } from 'zod';
import { reactToVerdict } from './auto-rollback.ts';
import { asJson, clientOf, type Db, type Lineage, type Tx } from './client.ts';
import type { Branch as BranchRow, Job as JobDbRow } from './generated/client.ts';
import { type JobFilter, jobResource, jobsWhere } from './jobs.ts';
import { holdLane, type Lease } from './leases.ts';
import { getModel, type StoredModel } from './models.ts';
import { numericCursor, type PageRequest, pageOf } from './pages.ts';
import { type JobRow, staleJob, transition } from './transitions.ts';
import { sourceOfVersion } from './versions.ts';

const inputSchema = z.object({
  cases: z.int(),
  against: z.enum(['parent', 'base', 'version']),
  suite: z.object({ source: z.enum(suiteSources), name: z.string().nullable(), digest: z.string() }),
  editor: evaluatedEditorSchema.nullable().default(null),
  watched: z.int().default(0),
});

/** What an evaluation, or one of its shards, works on. */
export interface EvaluationWork {
  /** Of the branch whose head was to be evaluated. */
  readonly branch: string | null;
  /** The evaluation's own job. */
  readonly evaluationId: string;
  readonly model: StoredModel;
  readonly version: VersionSource;
  readonly against: VersionSource;
  /** The editor that is evaluated, with the number of edits it makes; null where the version is evaluated as it is. */
  readonly editor: EvaluatedEditor | null;
  readonly cases: number;
  /** Cases that are asked along a stream of edits, beside the edits. */
  readonly watched: number;
}

/** Reads what a job of an evaluation needs. Versions do not change: it holds for as long as the job runs. */
export async function openEvaluationWork(db: Db, job: JobRow): Promise<EvaluationWork> {
  const { model_id, version_id, parent_version_id } = job;
  if (model_id === null || version_id === null || parent_version_id === null)
    throw new TypeError(`${job.id} is no evaluation`);
  const { branch_id } = job;
  const evaluationId = job.parent_job_id ?? job.id;
  const own = await clientOf(db).job.findUniqueOrThrow({ where: { id: evaluationId }, select: { input: true } });
  const { editor, cases, watched } = inputSchema.parse(own.input);
  const branch = branch_id === null ? null : await clientOf(db).branch.findUniqueOrThrow({ where: { id: branch_id } });
  return {
    branch: branch?.name ?? null,
    evaluationId,
    editor,
    cases,
    watched,
    model: await getModel(db, model_id),
    version: await sourceOfVersion(db, version_id, model_id),
    against: await sourceOfVersion(db, parent_version_id, model_id),
  };
}

export interface StoredCase extends PlacedCase {
  /** Null while it has not been asked. */
  readonly result: CaseResult | null;
}

/** The cases of an evaluation in order: those from one position up to another, or all. */
export async function readCases(db: Db, evaluationId: string, range?: CaseRange): Promise<readonly StoredCase[]> {
  const rows = await clientOf(db).evaluationCase.findMany({
    where: {
      jobId: evaluationId,
      ...(range === undefined ? {} : { position: { gte: range.from, lt: range.to } }),
    },
    orderBy: { position: 'asc' },
  });
  return rows.map((row) => ({
    position: row.position,
    case_id: row.editId ?? row.customId,
    edit_id: row.editId,
    moment: row.moment as Moment,
    edits: row.edits,
    // Both were checked by the contracts before they were written.
    item: row.payload as unknown as SuiteCase,
    result: row.result as unknown as CaseResult | null,
  }));
}

/** Texts that what a version writes is compared with, of all cases of an evaluation: which words are rare is a matter of all of them. */
export async function referenceTexts(db: Db, evaluationId: string): Promise<readonly string[]> {
  // A case of a stream stands at several places.
  const rows = await clientOf(db).$queryRaw<{ texts: string[] }[]>`
    SELECT DISTINCT ON (custom_id) payload->'references'->'consistency' AS texts FROM evaluation_cases
    WHERE job_id = ${evaluationId} AND payload->>'kind' = 'text' AND payload->'references' IS NOT NULL
    ORDER BY custom_id, position`;
  return rows.flatMap(({ texts }) => texts);
}

/**
 * Keeps what a block of cases found, and tells how far the whole has come. A shard that is taken over goes on behind the last block
 * kept. `stale_epoch` when the lane was taken over.
 */
export async function recordResults(
  db: Lineage,
  lease: Lease,
  record: {
    readonly job: JobRow;
    readonly results: readonly CaseResult[];
    readonly cost: Cost;
    /** What a stream of edits goes on from: already stored. */
    readonly deltas?: readonly DeltaReference[];
    /** False where the last note of progress is recent enough. */
    readonly tell?: boolean;
  },
): Promise<void> {
  const { job, results, cost, deltas = [], tell = true } = record;
  const parent = job.parent_job_id;
  if (parent === null) throw new TypeError(`${job.id} is no shard`);
  await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const [held] = await tx.$queryRaw<{ state: JobState }[]>`
      SELECT state FROM jobs WHERE id = ${job.id} AND epoch = ${lease.epoch} FOR NO KEY UPDATE`;
    if (held?.state !== 'evaluating') throw staleJob(job.id, 'evaluating', held?.state);
    await writeResults(tx, parent, results);
    const block = { cost: asJson(cost), deltas: asJson(deltas) };
    const at = { jobId: parent, position: results[0]!.position };
    await tx.evaluationBlock.upsert({ where: { jobId_position: at }, create: { ...at, ...block }, update: block });
    if (!tell) return;
    // The parent's row comes last, and orders its events.
    const [{ state }] = await tx.$queryRaw<[{ state: JobState }]>`
      SELECT state FROM jobs WHERE id = ${parent} FOR NO KEY UPDATE`;
    if (isTerminal(state)) return;
    const [count] = await tx.$queryRaw<[{ done: number; total: number }]>`
      SELECT count(result)::integer AS done, count(*)::integer AS total FROM evaluation_cases WHERE job_id = ${parent}`;
    await tx.event.create({ data: { jobId: parent, type: 'progress', state, data: { phase: 'evaluate', ...count } } });
  });
}

async function writeResults(tx: Tx, evaluationId: string, results: readonly CaseResult[]): Promise<void> {
  const given = results.map((result) => ({ position: result.position, result }));
  const written = await tx.$executeRaw`
    UPDATE evaluation_cases SET result = given.result
    FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb) AS given(position integer, result jsonb)
    WHERE evaluation_cases.job_id = ${evaluationId} AND evaluation_cases.position = given.position`;
  if (written !== results.length)
    throw new ErrataError(
      'internal',
      `${results.length} results were reported for ${evaluationId}, but they match ${written} cases`,
    );
}

/** What all blocks of an evaluation cost together. */
export async function costOf(db: Db, evaluationId: string): Promise<Cost> {
  const rows = await clientOf(db).evaluationBlock.findMany({ where: { jobId: evaluationId }, select: { cost: true } });
  return addCosts(rows.map(({ cost }) => costSchema.parse(cost)));
}

/** The deltas that the blocks of a stream left before a position, in order. */
export async function deltasBefore(db: Db, evaluationId: string, position: number): Promise<readonly DeltaReference[]> {
  const rows = await clientOf(db).evaluationBlock.findMany({
    where: { jobId: evaluationId, position: { lt: position } },
    orderBy: { position: 'asc' },
    select: { deltas: true },
  });
  return rows.flatMap(({ deltas }) => z.array(deltaReferenceSchema).parse(deltas));
}

/** Ends a shard whose cases are all kept. The last one to end sends the evaluation on. `stale_epoch`. */
export async function commitShard(db: Lineage, lease: Lease, jobId: string): Promise<void> {
  await failpoint('commit.before');
  await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const { state, epoch } = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
    if (state === 'succeeded' && epoch === lease.epoch) return; // committed by an earlier call whose answer was lost
    const done = await transition(tx, { jobId, from: ['committing'], to: 'succeeded', epoch: lease.epoch });
    if (done === null) throw staleJob(jobId, 'committing', state);
    await failpoint('commit.before_commit');
  });
  await failpoint('commit.after');
}

/** How each shard of an evaluation ended, with the positions it was to ask. */
export async function shardsOf(
  db: Db,
  evaluationId: string,
): Promise<
  readonly {
    readonly id: string;
    readonly state: JobState;
    readonly from: number;
    readonly to: number;
    readonly error: { readonly code: string; readonly message: string } | null;
    /** Between its first start and its end. */
    readonly seconds: number;
  }[]
> {
  const rows = await clientOf(db).job.findMany({ where: { parentJobId: evaluationId }, orderBy: { id: 'asc' } });
  const rangeSchema = z.object({ from: z.int(), to: z.int() });
  return rows.map((row) => ({
    id: row.id,
    state: row.state as JobState,
    ...rangeSchema.parse(row.input),
    error: row.error as unknown as { code: string; message: string } | null,
    seconds:
      row.startedAt === null || row.finishedAt === null ? 0 : (Number(row.finishedAt) - Number(row.startedAt)) / 1000,
  }));
}

export interface EvaluationCommit {
  readonly jobId: string;
  readonly outcome: 'succeeded' | 'completed_with_errors';
  readonly summary: EvaluationSummary;
  readonly result: EvaluationOutcome;
  /** The report as one page of HTML. */
  readonly report: string;
  /** Results of cases that no shard could ask. */
  readonly unasked: readonly CaseResult[];
  /** Of the branch's gate, where that was asked for. */
  readonly verdict?: GateVerdict | null;
}

/**
 * Ends an evaluation that is committing with its summary and digest, and with what a verdict against it brings about: the lane to wake
 * for that, or null. `stale_epoch`.
 */
export async function commitEvaluation(db: Lineage, lease: Lease, commit: EvaluationCommit): Promise<string | null> {
  await failpoint('commit.before');
  const { jobId, outcome, summary, result, report, unasked, verdict = null } = commit;
  const lane = await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const { state, epoch, branchId, versionId } = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
    if (state === outcome && epoch === lease.epoch) return null; // committed by an earlier call whose answer was lost
    await writeResults(tx, jobId, unasked);
    await tx.evaluationReport.upsert({ where: { jobId }, create: { jobId, page: report }, update: { page: report } });
    const failed = verdict !== null && !verdict.passed && branchId !== null && versionId !== null;
    const consequence = failed ? await reactToVerdict(tx, { id: jobId, branchId, versionId }, verdict) : null;
    const { digest, measured, changed } = result;
    const data = {
      ...{ digest, measured, failed: result.failed, changed },
      ...(verdict === null ? {} : { gate: verdict.passed ? 'passed' : 'failed' }),
      ...(consequence === null ? {} : { rollback: consequence }),
    };
    const done = await transition(tx, {
      jobId,
      from: ['committing'],
      to: outcome,
      epoch: lease.epoch,
      summary,
      gate: verdict,
      result,
      data,
    });
    if (done === null) throw staleJob(jobId, 'committing', state);
    await failpoint('commit.before_commit');
    return consequence?.kind === 'rollback' ? consequence.lane : null;
  });
  await failpoint('commit.after');
  return lane;
}

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
    const { against, suite, editor } = inputSchema.parse(row.input);
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
      outcome: job.result === null ? null : evaluationOutcomeSchema.parse(job.result),
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
  const rows = await clientOf(db).$queryRaw<{ position: number; result: CaseResult }[]>`
    SELECT position, result FROM evaluation_cases
    WHERE job_id = ${evaluationId} AND position > ${after} AND result IS NOT NULL
      AND (${outcome}::text IS NULL OR result->>'outcome' = ${outcome})
      AND (${changed}::boolean IS NULL OR (result->>'changed')::boolean = ${changed})
    ORDER BY position LIMIT ${limit + 1}`;
  return pageOf(
    rows,
    limit,
    ({ position }) => String(position),
    ({ result }) => result,
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

/** The lanes to wake for an evaluation that was queued: those of its shards. */
export async function lanesOfShards(db: Db, jobId: string): Promise<readonly string[]> {
  const rows = await clientOf(db).job.findMany({ where: { parentJobId: jobId }, select: { laneId: true } });
  return rows.map(({ laneId }) => laneId);
}
