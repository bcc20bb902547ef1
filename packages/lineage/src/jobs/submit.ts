// Submitting work: one transaction writes the job with its place in the lane, its edits and its first event.
import {
  type ConfigOverrides,
  defaultProject,
  type Edit,
  ErrataError,
  type GatePolicy,
  type JobKind,
  type JobResource,
  jobFormat,
  type OnError,
  type Priority,
  type RollbackMode,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { currentTraceparent } from '@errata/tracing';
import { bindJob, type IdempotencyClaim } from '../access/idempotency.ts';
import { findProject } from '../access/projects.ts';
import { admit } from '../access/quotas.ts';
import { asJson, type Lineage, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import type { Branch as BranchRow, Prisma } from '../generated/client.ts';
import { planRollback, type RollbackTarget, wholeTarget } from '../history/rollback-plan.ts';
import { findVersion } from '../history/versions.ts';
import { getModel, unknownModel } from '../models/models.ts';
import { branchLane, findBranch, staleParent, unknownBranch } from '../names/branches.ts';
import { requireStart } from '../policies/guard.ts';
import { jobResource } from './jobs.ts';
import { rankOf } from './turn-order.ts';

/** What every submission may carry. */
export interface Submission {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Labels that a worker must have to take it. */
  readonly needs?: readonly string[] | undefined;
  /** `normal` when left out. */
  readonly priority?: Priority | undefined;
  /** Id of the API key. */
  readonly created_by: string | null;
  /** Ties the job to the request in the same transaction, so that a crash between the two cannot queue it twice. */
  readonly idempotency?: IdempotencyClaim | undefined;
}

export interface OnBranch extends Submission {
  /** Name or id. */
  readonly model: string;
  readonly branch: string;
  /** The head the caller has seen. */
  readonly parent_version_id?: string | undefined;
}

export interface EditSubmission extends OnBranch {
  /** Validated (contracts, `checkEdits`); at least one. */
  readonly edits: readonly Edit[];
  /** The branch's default when left out. */
  readonly editor?: string | undefined;
  readonly config: ConfigOverrides;
  readonly seed: number;
  readonly on_error: OnError;
  /** `rebase` takes whatever head the branch has when the job runs. */
  readonly on_conflict: 'fail' | 'rebase';
  /** Replaces the branch's gate. */
  readonly gate?: GatePolicy | undefined;
  /** Edit, evaluate and judge, and commit nothing. */
  readonly trial?: boolean | undefined;
  /** Do the work again although a finished job has done the same. */
  readonly force?: boolean | undefined;
  /** The request that this one repeats, and which of its edits, in the order of these. */
  readonly picked_from?:
    | { readonly job_id: string; readonly version_id: string | null; readonly edit_ids: readonly string[] }
    | undefined;
}

/** Queues edits on a branch. `unknown_model`, `unknown_branch`, `unknown_version`, `stale_parent`. */
export const submitEditJob = (db: Lineage, submission: EditSubmission): Promise<JobResource> =>
  submitted(db, (tx) => submitEditJobWithin(tx, submission));

/** A submission is true with its transaction, and acknowledged after it. */
async function submitted(db: Lineage, submit: (tx: Tx) => Promise<JobResource>): Promise<JobResource> {
  const job = await db.prisma.$transaction(submit);
  await failpoint('submit.after');
  return job;
}

/** The same as part of a transaction that does more. */
export async function submitEditJobWithin(tx: Tx, submission: EditSubmission): Promise<JobResource> {
  const { branch, sequence, parent } = await enterBranch(tx, submission, submission.on_conflict === 'rebase');
  return enqueue(tx, submission, {
    kind: 'edit',
    lane: branchLane(branch.id),
    sequence,
    branch,
    modelId: branch.modelId,
    ...(submission.on_conflict === 'fail' ? { expectedParent: parent } : {}),
    edits: submission.edits,
    input: {
      editor: submission.editor ?? branch.defaultEditor,
      config: submission.config,
      seed: submission.seed,
      on_error: submission.on_error,
      on_conflict: submission.on_conflict,
      gate: submission.gate ?? null,
      edits: submission.edits.length,
      ...(submission.trial === true ? { trial: true } : {}),
      ...(submission.force === true ? { force: true } : {}),
      ...(submission.picked_from === undefined ? {} : { picked_from: submission.picked_from }),
    },
  });
}

export interface RollbackSubmission extends OnBranch, RollbackTarget {
  readonly mode: RollbackMode;
  readonly reason: string;
  /** The job whose outcome asks for this, where no person does. There is one at most. */
  readonly cause?: string | undefined;
}

/**
 * Queues a rollback after planning it against the present head, so that what cannot be done is refused at once: `invalid_request`,
 * `unknown_version`, `unknown_edit`, `inseparable_edits`, `protected_branch`, and as for {@link submitEditJob}. The worker plans again when it runs.
 */
export const submitRollback = (db: Lineage, submission: RollbackSubmission): Promise<JobResource> =>
  submitted(db, (tx) => submitRollbackWithin(tx, submission));

/** The same as part of a transaction that does more. */
export async function submitRollbackWithin(tx: Tx, submission: RollbackSubmission): Promise<JobResource> {
  const { branch, sequence, parent } = await enterBranch(tx, submission, false);
  requireStart(branch, submission.mode, submission.cause !== undefined);
  const { reason } = submission;
  const target = await wholeTarget(tx, branch.modelId, submission);
  await planRollback(tx, branch.id, target);
  return enqueue(tx, submission, {
    kind: 'rollback',
    lane: branchLane(branch.id),
    sequence,
    branch,
    modelId: branch.modelId,
    expectedParent: parent,
    cause: submission.cause,
    input: { ...target, reason },
  });
}

export interface ImportSubmission extends Submission {
  readonly name: string;
  /** What to import: a path on the worker's machine, or a name on the hub. */
  readonly path: string;
  /** What an adapter is merged onto, instead of what it names. */
  readonly base?: string | undefined;
  /** The project that it will belong to, by name or id; the default one when left out. */
  readonly project?: string | undefined;
}

/** Queues an import. `unknown_project`; `name_taken` when a model of this name exists. */
export async function submitImport(db: Lineage, submission: ImportSubmission): Promise<JobResource> {
  return submitted(db, async (tx) => {
    const lane = `import:${submission.name}`;
    const sequence = await nextSequence(tx, lane);
    const known = await tx.model.findUnique({ where: { name: submission.name }, select: { id: true } });
    if (known !== null) {
      throw new ErrataError('name_taken', `there already is a model ${JSON.stringify(submission.name)}`, {
        details: { model_id: known.id },
      });
    }
    const { name, path, base } = submission;
    const project = await findProject(tx, submission.project ?? defaultProject.id);
    const input = { name, path, project, ...(base !== undefined && { base }) };
    return enqueue(tx, submission, { kind: 'import', lane, sequence, project, input });
  });
}

export interface ArtefactSubmission extends Submission {
  /** Name or id. */
  readonly model: string;
  /** What is asked for: the kind, and all that may be said of it. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** Queues the building of artefacts. `unknown_model`. */
export async function submitArtefactJob(db: Lineage, submission: ArtefactSubmission): Promise<JobResource> {
  return submitted(db, async (tx) => {
    const { resource } = await getModel(tx, submission.model);
    const lane = `artefacts:${resource.id}`;
    return enqueue(tx, submission, {
      kind: 'artefact',
      lane,
      sequence: await nextSequence(tx, lane),
      modelId: resource.id,
      input: submission.input,
    });
  });
}

/** Takes a place in the branch's lane, which locks out commits and deletion until the transaction ends, and checks the head. */
async function enterBranch(
  tx: Tx,
  submission: OnBranch,
  rebase: boolean,
): Promise<{ branch: BranchRow; sequence: number; parent: string | undefined }> {
  const found = await findLane(tx, submission);
  const sequence = await nextSequence(tx, branchLane(found.branch));
  const branch = await findBranch(tx, found.model, submission.branch);
  if (branch.id !== found.branch)
    throw new ErrataError('unknown_branch', `branch ${JSON.stringify(branch.name)} was replaced`);
  const given = submission.parent_version_id;
  const parent = given === undefined ? undefined : (await findVersion(tx, given, found.model)).id;
  if (parent !== undefined && !rebase && parent !== branch.headVersionId) throw staleParent(branch, parent);
  return { branch, sequence, parent };
}

/** The ids of a model and its branch, by name or id, in one look. `unknown_model`, `unknown_branch`. */
async function findLane(
  tx: Tx,
  { model, branch }: OnBranch,
): Promise<{ readonly model: string; readonly branch: string }> {
  const [found] = await tx.$queryRaw<{ model: string; branch: string | null }[]>`/* prepared */
    SELECT m.id AS model, b.id AS branch
    FROM models m LEFT JOIN branches b ON b.model_id = m.id AND b.name = ${branch} AND b.deleted_at IS NULL
    WHERE m.id = ${model} OR m.name = ${model} ORDER BY (m.id = ${model}) DESC LIMIT 1`;
  if (found === undefined) throw unknownModel(model);
  if (found.branch === null) throw unknownBranch(branch);
  return { model: found.model, branch: found.branch };
}

/** Hands out the lane's next number. The row stays locked until the transaction ends: no gap, no number twice. */
export async function nextSequence(tx: Tx, lane: string): Promise<number> {
  const rows = await tx.$queryRaw<{ taken: number }[]>`/* prepared */
    INSERT INTO lanes (id, next_sequence) VALUES (${lane}, 2)
    ON CONFLICT (id) DO UPDATE SET next_sequence = lanes.next_sequence + 1
    RETURNING next_sequence - 1 AS taken`;
  return rows[0]!.taken;
}

export interface NewJob {
  /** Made up when left out. */
  readonly id?: string;
  readonly kind: JobKind;
  /** `queued` when left out. */
  readonly state?: 'queued' | 'waiting';
  readonly parentJob?: string;
  readonly parentVersion?: string;
  readonly version?: string;
  readonly lane: string;
  readonly sequence: number;
  readonly modelId?: string;
  /** Id of the one that an import brings a model to. */
  readonly project?: string;
  readonly branch?: BranchRow;
  readonly expectedParent?: string | undefined;
  readonly cause?: string | undefined;
  readonly input: Readonly<Record<string, unknown>>;
  readonly edits?: readonly Edit[];
}

/** Jobs that leave more than they found; going back leaves less. How much is known when it is there. */
const stores: readonly JobKind[] = ['import', 'artefact', 'edit'];

/** One statement, whatever the number of edits: the job, its edits, its first event and the act of submitting it. The lane is locked meanwhile. */
export async function enqueue(tx: Tx, submission: Submission, job: NewJob): Promise<JobResource> {
  await failpoint('submit.before');
  // A shard is part of what was let in, and what the service asks of itself is not held back.
  if (job.parentJob === undefined && job.cause === undefined)
    await admit(tx, job, {
      open_jobs: 1,
      edits_per_day: job.edits?.length ?? 0,
      storage_mib: stores.includes(job.kind) && job.input.trial !== true ? 1 : 0,
    });
  const { id = newId('job'), state = 'queued', branch = null, edits = [] } = job;
  const row = {
    id,
    kind: job.kind,
    state,
    laneId: job.lane,
    sequence: job.sequence,
    modelId: job.modelId ?? null,
    branchId: branch?.id ?? null,
    parentJobId: job.parentJob ?? null,
    expectedParentId: job.expectedParent ?? null,
    parentVersionId: job.parentVersion ?? null,
    versionId: job.version ?? null,
    causeJobId: job.cause ?? null,
    needs: [...new Set(submission.needs)],
    priority: rankOf(submission.priority ?? 'normal'),
    format: jobFormat,
    createdBy: submission.created_by,
    traceParent: currentTraceparent() ?? null,
  };
  const input = JSON.stringify(job.input);
  const metadata = JSON.stringify(submission.metadata ?? {});
  const asked = edits.map((edit, position) => ({
    id: newId('edit'),
    position,
    custom_id: edit.custom_id,
    payload: edit,
  }));
  // A shard is part of an act.
  const act =
    job.parentJob === undefined
      ? JSON.stringify({ kind: job.kind, branch_id: branch?.id, cause_job_id: job.cause, edits: job.edits?.length })
      : null;
  const [written] = await tx.$queryRaw<{ created_at: Date; available_at: Date }[]>`/* prepared */
    WITH job AS (
      INSERT INTO jobs (id, kind, state, lane_id, sequence, model_id, branch_id, parent_job_id, expected_parent_id, parent_version_id,
        version_id, cause_job_id, input, metadata, needs, priority, format, created_by, trace_parent)
      VALUES (${id}, ${row.kind}, ${state}, ${row.laneId}, ${row.sequence}, ${row.modelId}, ${row.branchId}, ${row.parentJobId},
        ${row.expectedParentId}, ${row.parentVersionId}, ${row.versionId}, ${row.causeJobId}, ${input}::jsonb, ${metadata}::jsonb,
        ${row.needs}, ${row.priority}, ${row.format}, ${row.createdBy}, ${row.traceParent})
      RETURNING *
    ), asked AS (
      INSERT INTO edits (id, job_id, position, custom_id, payload)
      SELECT given.id, job.id, position, custom_id, payload
      FROM job, jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) AS given(id text, position integer, custom_id text, payload jsonb)
    ), told AS (
      INSERT INTO events (job_id, type, state, data) SELECT id, state, state, jsonb_build_object('sequence', sequence) FROM job
    ), noted AS (
      INSERT INTO audit_entries (act, actor, model_id, subject, details)
      SELECT 'job.submitted', created_by, model_id, id, ${act}::jsonb FROM job WHERE ${act}::jsonb IS NOT NULL
    )
    SELECT created_at, available_at FROM job`;
  if (submission.idempotency !== undefined) await bindJob(tx, submission.idempotency, id);
  await failpoint('submit.before_commit');
  return jobResource({
    ...row,
    branch,
    input: asJson(job.input) as Prisma.JsonObject,
    metadata: { ...submission.metadata },
    attempts: 0,
    epoch: null,
    cancelRequested: false,
    error: null,
    summary: null,
    gate: null,
    result: null,
    approval: null,
    createdAt: written!.created_at,
    availableAt: written!.available_at,
    startedAt: null,
    finishedAt: null,
  });
}
