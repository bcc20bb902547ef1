// Jobs as people see them: read, list, cancel, retry.
import {
  approvalSchema,
  cancellableStates,
  canMove,
  ErrataError,
  evaluationSummarySchema,
  gateVerdictSchema,
  isTerminal,
  type JobKind,
  type JobResource,
  type JobState,
  jobSchema,
  type Page,
  rollbackModes,
} from '@errata/contracts';
import { z } from 'zod';
import { admit } from '../access/quotas.ts';
import { noteAct } from '../audit/note.ts';
import { clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { idCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readMetadata, readRecord, readStored, readStoredOrNull } from '../database/stored.ts';
import type { Branch as BranchRow, Job as JobDbRow, Prisma } from '../generated/client.ts';
import { requireStart } from '../policies/guard.ts';
import { requireNotErased } from '../upkeep/erase.ts';
import { transition } from './transitions.ts';
import { priorityOf } from './turn-order.ts';

/** `unknown_job` when there is none of this id. */
export async function getJob(db: Db, id: string): Promise<JobResource> {
  const row = await clientOf(db).job.findUnique({ where: { id }, include: { branch: true } });
  if (row === null) throw new ErrataError('unknown_job', `there is no job ${JSON.stringify(id)}`);
  return jobResource(row);
}

/** The lane to wake for a job. `unknown_job`. */
export async function laneOfJob(db: Db, id: string): Promise<string> {
  const row = await clientOf(db).job.findUnique({ where: { id }, select: { laneId: true } });
  if (row === null) throw new ErrataError('unknown_job', `there is no job ${JSON.stringify(id)}`);
  return row.laneId;
}

export interface JobFilter {
  readonly model_ids?: readonly string[] | undefined;
  readonly branch_id?: string | undefined;
  readonly kind?: JobKind | undefined;
  readonly states?: readonly JobState[] | undefined;
  /** Shards of this job. They are left out of every other list. */
  readonly parent_job_id?: string | undefined;
}

/** States in which nobody works on a job, so that it ends the moment it is cancelled. */
const idleStates: readonly JobState[] = ['waiting', 'queued', 'awaiting_approval'];

/** What a filter selects, after the cursor of a page. */
export const jobsWhere = (filter: JobFilter, { after }: PageRequest): Prisma.JobWhereInput => ({
  parentJobId: filter.parent_job_id ?? null,
  ...(filter.model_ids === undefined ? {} : { modelId: { in: [...filter.model_ids] } }),
  ...(filter.branch_id === undefined ? {} : { branchId: filter.branch_id }),
  ...(filter.kind === undefined ? {} : { kind: filter.kind }),
  ...(filter.states === undefined ? {} : { state: { in: [...filter.states] } }),
  ...(after === undefined ? {} : { id: { lt: idCursor(after, 'job') } }),
});

/** Jobs, newest first. The cursor is a job id. */
export async function listJobs(db: Db, filter: JobFilter = {}, page: PageRequest = {}): Promise<Page<JobResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).job.findMany({
    where: jobsWhere(filter, page),
    include: { branch: true },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ id }) => id, jobResource);
}

/**
 * Cancels a queued job, or one that waits for an approval, at once; asks the worker to cancel a running or evaluating one, which it
 * does at its next step. With a job that waits for its shards, they are cancelled. `not_cancellable` from committing on, and for a
 * single shard. Asking twice is the same as asking once.
 */
export async function cancelJob(db: Lineage, id: string): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const shards = await lockShards(tx, id);
    const job = await lockJob(tx, id);
    if (job.parent_job_id !== null) {
      throw new ErrataError('not_cancellable', `${id} is a shard: cancel ${job.parent_job_id}`, {
        details: { parent_job_id: job.parent_job_id },
      });
    }
    if (idleStates.some((state) => state === job.state)) {
      // Before its shards: the last of them to end would send it on.
      await transition(tx, { jobId: id, from: [job.state], to: 'cancelled' });
      await noteAct(tx, { act: 'job.cancelled', subject: id });
      for (const shard of shards) await cancelShard(tx, shard);
    } else if (cancellableStates.some((state) => state === job.state)) {
      if (!job.cancel_requested) {
        await tx.job.update({ where: { id }, data: { cancelRequested: true } });
        await tx.event.create({ data: { jobId: id, type: 'cancel_requested', state: job.state } });
        await noteAct(tx, { act: 'job.cancelled', subject: id });
      }
    } else if (job.state !== 'cancelled') {
      throw new ErrataError('not_cancellable', `${id} is ${job.state} and can no longer be cancelled`, {
        details: { state: job.state },
      });
    }
    return getJob(tx, id);
  });
}

async function cancelShard(tx: Tx, { id, state }: { readonly id: string; readonly state: JobState }): Promise<void> {
  if (state === 'queued') await transition(tx, { jobId: id, from: ['queued'], to: 'cancelled' });
  else if (!isTerminal(state)) await tx.job.update({ where: { id }, data: { cancelRequested: true } });
}

/** Whether a person has asked to cancel the job: for the worker to look at between steps. */
export async function isCancelRequested(db: Db, id: string): Promise<boolean> {
  const row = await clientOf(db).job.findUnique({ where: { id }, select: { cancelRequested: true } });
  return row?.cancelRequested ?? false;
}

/**
 * Queues a failed or cancelled job again, in its old place and with fresh attempts. One that has shards waits again for those which
 * failed or were cancelled. `not_retryable` in any other state, for a single shard, and while shards are still stopping;
 * `protected_branch` for a reset that would be refused if it were asked for now.
 */
export async function retryJob(db: Lineage, id: string): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const shards = await lockShards(tx, id);
    const { state, parent_job_id } = await lockJob(tx, id);
    const refuse = (message: string) => new ErrataError('not_retryable', message, { details: { state } });
    if (parent_job_id !== null) throw refuse(`${id} is a shard: retry ${parent_job_id}`);
    if (!canMove(state, 'queued') || !isTerminal(state))
      throw refuse(`${id} is ${state}; only failed or cancelled jobs can be retried`);
    await requireNotErased(tx, id);
    if (shards.some((shard) => !isTerminal(shard.state))) throw refuse(`shards of ${id} are still stopping: try again`);
    const { kind, input, branch, modelId, causeJobId } = await tx.job.findUniqueOrThrow({
      where: { id },
      include: { branch: true },
    });
    if (kind === 'rollback' && branch !== null)
      requireStart(branch, readStored(rollbackInput, input, `the input of ${id}`).mode, causeJobId !== null);
    await admit(tx, { modelId }, { open_jobs: 1 });
    // Whoever approved it approved what it had arrived at then.
    const again = { attempts: 'reset', approval: null, data: { retry: true } } as const;
    const left = shards.filter((shard) => canMove(shard.state, 'queued'));
    await transition(tx, { jobId: id, from: [state], to: left.length > 0 ? 'waiting' : 'queued', ...again });
    for (const shard of left) await transition(tx, { jobId: shard.id, from: [shard.state], to: 'queued', ...again });
    await noteAct(tx, { act: 'job.retried', subject: id, model: branch?.modelId });
    return getJob(tx, id);
  });
}

const rollbackInput = z.object({ mode: z.enum(rollbackModes) });

interface LockedJob {
  readonly id: string;
  readonly state: JobState;
  readonly cancel_requested: boolean;
  readonly parent_job_id: string | null;
}

/** Locks a job's row until the transaction ends. `unknown_job`. */
export async function lockJob(tx: Tx, id: string): Promise<LockedJob> {
  const rows = await tx.$queryRaw<LockedJob[]>`
    SELECT id, state, cancel_requested, parent_job_id FROM jobs WHERE id = ${id} FOR NO KEY UPDATE`;
  if (rows[0] === undefined) throw new ErrataError('unknown_job', `there is no job ${JSON.stringify(id)}`);
  return rows[0];
}

/** Locks the shards of a job. To be called before the job itself is locked: that is the order in which a shard ends. */
const lockShards = (tx: Tx, id: string): Promise<LockedJob[]> => tx.$queryRaw`
  SELECT id, state, cancel_requested, parent_job_id FROM jobs WHERE parent_job_id = ${id} ORDER BY id FOR NO KEY UPDATE`;

const jobErrorSchema = jobSchema.shape.error.unwrap();

export function jobResource(row: JobDbRow & { branch: BranchRow | null }): JobResource {
  const input = readRecord(row.input, `the input of ${row.id}`);
  return {
    id: row.id,
    object: 'job',
    kind: row.kind as JobKind,
    state: row.state as JobState,
    model_id: row.modelId,
    branch: row.branch?.name ?? null,
    sequence: row.sequence,
    attempts: row.attempts,
    input,
    parent_version_id: row.parentVersionId ?? row.expectedParentId,
    version_id: row.versionId,
    trial: input.trial === true,
    parent_job_id: row.parentJobId,
    summary: readStoredOrNull(evaluationSummarySchema, row.summary, `the summary of ${row.id}`),
    gate: readStoredOrNull(gateVerdictSchema, row.gate, `the verdict of ${row.id}`),
    result: row.result === null ? null : readRecord(row.result, `the result of ${row.id}`),
    approval: readStoredOrNull(approvalSchema, row.approval, `the approval of ${row.id}`),
    cause_job_id: row.causeJobId,
    error: readStoredOrNull(jobErrorSchema, row.error, `the error of ${row.id}`),
    metadata: readMetadata(row.metadata, `the metadata of ${row.id}`),
    needs: row.needs,
    priority: priorityOf(row.priority),
    created_by: row.createdBy,
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    finished_at: row.finishedAt?.toISOString() ?? null,
  };
}
