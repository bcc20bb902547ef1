// Jobs as people see them: read, list, cancel, retry.
import {
  cancellableStates,
  canMove,
  ErrataError,
  isTerminal,
  type JobKind,
  type JobResource,
  type JobState,
  type Page,
} from '@errata/contracts';
import { clientOf, type Db, type Lineage, type Tx } from './client.ts';
import type { Branch as BranchRow, Job as JobDbRow } from './generated/client.ts';
import { type PageRequest, pageOf } from './pages.ts';
import { transition } from './transitions.ts';

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
  readonly model_id?: string | undefined;
  readonly branch_id?: string | undefined;
  readonly kind?: JobKind | undefined;
  readonly states?: readonly JobState[] | undefined;
}

/** Jobs, newest first. The cursor is a job id. */
export async function listJobs(db: Db, filter: JobFilter = {}, page: PageRequest = {}): Promise<Page<JobResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).job.findMany({
    where: {
      ...(filter.model_id === undefined ? {} : { modelId: filter.model_id }),
      ...(filter.branch_id === undefined ? {} : { branchId: filter.branch_id }),
      ...(filter.kind === undefined ? {} : { kind: filter.kind }),
      ...(filter.states === undefined ? {} : { state: { in: [...filter.states] } }),
      ...(page.after === undefined ? {} : { id: { lt: page.after } }),
    },
    include: { branch: true },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ id }) => id, jobResource);
}

/**
 * Cancels a queued job at once; asks the worker to cancel a running or evaluating one, which it does at its next step.
 * `not_cancellable` from committing on. Asking twice is the same as asking once.
 */
export async function cancelJob(db: Lineage, id: string): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const job = await lockJob(tx, id);
    if (job.state === 'queued') {
      await transition(tx, { jobId: id, from: ['queued'], to: 'cancelled' });
    } else if (cancellableStates.some((state) => state === job.state)) {
      if (!job.cancel_requested) {
        await tx.job.update({ where: { id }, data: { cancelRequested: true } });
        await tx.event.create({ data: { jobId: id, type: 'cancel_requested', state: job.state } });
      }
    } else if (job.state !== 'cancelled') {
      throw new ErrataError('not_cancellable', `${id} is ${job.state} and can no longer be cancelled`, {
        details: { state: job.state },
      });
    }
    return getJob(tx, id);
  });
}

/** Whether a person has asked to cancel the job: for the worker to look at between steps. */
export async function isCancelRequested(db: Db, id: string): Promise<boolean> {
  const row = await clientOf(db).job.findUnique({ where: { id }, select: { cancelRequested: true } });
  return row?.cancelRequested ?? false;
}

/** Queues a failed or cancelled job again, in its old place and with fresh attempts. `not_retryable` in any other state. */
export async function retryJob(db: Lineage, id: string): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const { state } = await lockJob(tx, id);
    if (!canMove(state, 'queued') || !isTerminal(state)) {
      throw new ErrataError('not_retryable', `${id} is ${state}; only failed or cancelled jobs can be retried`, {
        details: { state },
      });
    }
    await transition(tx, { jobId: id, from: [state], to: 'queued', attempts: 'reset', data: { retry: true } });
    return getJob(tx, id);
  });
}

/** Locks a job's row until the transaction ends. `unknown_job`. */
async function lockJob(tx: Tx, id: string): Promise<{ state: JobState; cancel_requested: boolean }> {
  const rows = await tx.$queryRaw<{ state: JobState; cancel_requested: boolean }[]>`
    SELECT state, cancel_requested FROM jobs WHERE id = ${id} FOR NO KEY UPDATE`;
  if (rows[0] === undefined) throw new ErrataError('unknown_job', `there is no job ${JSON.stringify(id)}`);
  return rows[0];
}

export const jobResource = (row: JobDbRow & { branch: BranchRow | null }): JobResource => ({
  id: row.id,
  object: 'job',
  kind: row.kind as JobKind,
  state: row.state as JobState,
  model_id: row.modelId,
  branch: row.branch?.name ?? null,
  sequence: row.sequence,
  attempts: row.attempts,
  input: row.input as Record<string, unknown>,
  parent_version_id: row.parentVersionId ?? row.expectedParentId,
  version_id: row.versionId,
  summary: row.summary as unknown as JobResource['summary'],
  gate: row.gate as unknown as JobResource['gate'],
  error: row.error as unknown as JobResource['error'],
  metadata: row.metadata as Record<string, string>,
  created_by: row.createdBy,
  created_at: row.createdAt.toISOString(),
  started_at: row.startedAt?.toISOString() ?? null,
  finished_at: row.finishedAt?.toISOString() ?? null,
});
