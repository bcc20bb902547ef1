// Evaluations as workers carry them out: the cases of a shard, what each found, the end that sums them up.
import {
  addCosts,
  type CaseRange,
  type CaseResult,
  type Cost,
  caseResultSchema,
  costSchema,
  type DeltaReference,
  deltaReferenceSchema,
  ErrataError,
  type EvaluatedEditor,
  type EvaluationOutcome,
  type EvaluationSummary,
  evaluatedEditorSchema,
  type GateVerdict,
  isTerminal,
  type JobState,
  type Moment,
  type PlacedCase,
  suiteCaseSchema,
  suiteSources,
  type VersionSource,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { z } from 'zod';
import { asJson, clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { readStored, readStoredOrNull } from '../database/stored.ts';
import { sourceOfVersion } from '../history/versions.ts';
import { holdLane, type Lease } from '../jobs/leases.ts';
import { type JobRow, staleJob, transition } from '../jobs/transitions.ts';
import { getModel, type StoredModel } from '../models/models.ts';
import { reactToVerdict } from '../policies/auto-rollback.ts';

/** What an evaluation's job was asked. */
export const evaluationInputSchema = z.object({
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
  const { editor, cases, watched } = readStored(evaluationInputSchema, own.input, `the input of ${evaluationId}`);
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
    item: readStored(suiteCaseSchema, row.payload, `case ${row.position} of ${evaluationId}`),
    result: readStoredOrNull(caseResultSchema, row.result, `the result of case ${row.position} of ${evaluationId}`),
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
  return addCosts(rows.map(({ cost }) => readStored(costSchema, cost, `a cost of ${evaluationId}`)));
}

/** The deltas that the blocks of a stream left before a position, in order. */
export async function deltasBefore(db: Db, evaluationId: string, position: number): Promise<readonly DeltaReference[]> {
  const rows = await clientOf(db).evaluationBlock.findMany({
    where: { jobId: evaluationId, position: { lt: position } },
    orderBy: { position: 'asc' },
    select: { deltas: true },
  });
  return rows.flatMap(({ deltas }) => readStored(z.array(deltaReferenceSchema), deltas, `deltas of ${evaluationId}`));
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
    ...readStored(rangeSchema, row.input, `the input of ${row.id}`),
    error: readStoredOrNull(z.object({ code: z.string(), message: z.string() }), row.error, `the error of ${row.id}`),
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

/** The lanes to wake for an evaluation that was queued: those of its shards. */
export async function lanesOfShards(db: Db, jobId: string): Promise<readonly string[]> {
  const rows = await clientOf(db).job.findMany({ where: { parentJobId: jobId }, select: { laneId: true } });
  return rows.map(({ laneId }) => laneId);
}
