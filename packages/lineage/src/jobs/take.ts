// Taking work: the next job of a lane, strictly in sequence, and everything a worker needs to begin it.
import {
  activeStates,
  type BranchResource,
  ErrataError,
  type JobState,
  jobFormat,
  jobKinds,
  toPlainError,
  type VersionSource,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import type { Lineage, Tx } from '../database/client.ts';
import type { Job as JobDbRow } from '../generated/client.ts';
import { type Ground, groundAt, sourceAt } from '../history/contributions.ts';
import { type StoredModel, storedModel } from '../models/models.ts';
import { branchLane, branchResource, deletedBranch, staleParent } from '../names/branches.ts';
import { editsOfJob, type StoredEdit } from './edits.ts';
import { holdLane, type Lease } from './leases.ts';
import { afterFailedAttempt, type JobRow, staleJob, transition } from './transitions.ts';
import type { JobNeeds } from './workers.ts';

/** A job that is now running under our lease. */
export type TakenJob = JobRow & { readonly state: 'running'; readonly epoch: number };

export interface TakerOptions {
  /** What the taker has: jobs that need anything else are left to others, and so are jobs that this build does not understand. */
  readonly labels?: readonly string[];
  /** Told of the lane's next job when it is left. */
  readonly onLeft?: (job: JobNeeds) => void;
}

/**
 * Takes the lane's first job that is not finished, or null when there is none or its pause is not over. What a dead worker left
 * active goes back to the queue first, or ends: as failed when its attempts are used up, as cancelled when that was asked for. A job
 * whose branch is gone or has moved past the parent it insists on is rejected, and the one after it is looked at.
 * `stale_epoch` when the lease has been superseded.
 */
export async function takeNextJob(
  db: Lineage,
  lease: Lease,
  { labels = [], onLeft }: TakerOptions = {},
): Promise<TakenJob | null> {
  await failpoint('take.before');
  for (;;) {
    const step = await db.prisma.$transaction(async (tx): Promise<TakenJob | 'none' | 'look again'> => {
      await holdLane(tx, lease);
      const [next] = await tx.$queryRaw<(NextJob & JobNeeds)[]>`
        SELECT id, kind, needs, format, available_at <= clock_timestamp() AS ready FROM jobs
        WHERE lane_id = ${lease.lane} AND state IN ('queued', 'running', 'evaluating', 'committing')
        ORDER BY sequence LIMIT 1 FOR NO KEY UPDATE`;
      if (next === undefined) return 'none';
      if (!mayTake(labels, next)) {
        onLeft?.(next);
        return 'none';
      }
      const job = await tx.job.findUniqueOrThrow({ where: { id: next.id } });
      if (job.state !== 'queued') {
        await recover(tx, lease, job);
        return 'look again';
      }
      if (job.cancelRequested) {
        await transition(tx, { jobId: job.id, from: ['queued'], to: 'cancelled' });
        return 'look again';
      }
      if (!next.ready) return 'none';
      const head = await headFor(tx, job);
      if (head instanceof ErrataError) {
        const error = toPlainError(head);
        await transition(tx, {
          jobId: job.id,
          from: ['queued'],
          to: 'rejected',
          error,
          data: { error: { code: error.code, message: error.message } },
        });
        return 'look again';
      }
      const taken = await transition(tx, {
        jobId: job.id,
        from: ['queued'],
        to: 'running',
        takenUnder: lease.epoch,
        attempts: 'count',
        data: { attempt: job.attempts + 1, holder: lease.holder },
        ...(head === null ? {} : { parent_version_id: head }),
      });
      if (taken === null) throw staleJob(job.id, 'queued', job.state);
      return { ...taken, state: 'running', epoch: lease.epoch };
    });
    if (step === 'look again') continue;
    await failpoint('take.after');
    return step === 'none' ? null : step;
  }
}

interface NextJob {
  readonly id: string;
  readonly kind: string;
  readonly ready: boolean;
}

/** Whether a worker of this build, with these labels, may take a job. */
export const mayTake = (
  labels: readonly string[],
  { kind, needs, format }: JobNeeds & { readonly kind: string },
): boolean =>
  jobKinds.some((known) => known === kind) && format <= jobFormat && needs.every((label) => labels.includes(label));

/** Deals with a job that is active though its worker is gone: the lane is ours, so nobody else can be working on it. */
async function recover(tx: Tx, lease: Lease, job: JobDbRow): Promise<void> {
  if (job.epoch === lease.epoch)
    throw new ErrataError(
      'internal',
      `${job.id} is still ${job.state} under this very lease: finish it before taking another`,
    );
  const error = toPlainError(
    new ErrataError('engine_crashed', `the worker ended while the job was ${job.state}, at attempt ${job.attempts}`),
  );
  const to = afterFailedAttempt(job);
  await transition(tx, {
    jobId: job.id,
    from: activeStates.filter((state) => state === job.state),
    to,
    ...(to === 'cancelled' ? {} : { error }),
    data: { recovered_from: job.state as JobState, attempts: job.attempts },
  });
}

/** The head a job starts from; null for jobs that move no branch; the reason when it cannot start. */
async function headFor(tx: Tx, job: JobDbRow): Promise<string | null | ErrataError> {
  if (job.branchId === null || job.laneId !== branchLane(job.branchId)) return null;
  const branch = await tx.branch.findUniqueOrThrow({ where: { id: job.branchId } });
  if (branch.deletedAt !== null) return deletedBranch(branch);
  const expected = job.expectedParentId;
  return expected !== null && expected !== branch.headVersionId ? staleParent(branch, expected) : branch.headVersionId;
}

/** What an edit or rollback job works on. */
export interface BranchWork {
  readonly model: StoredModel;
  readonly branch: BranchResource;
  /** The head: what the candidate is built on and compared with. */
  readonly parent: { readonly version: string; readonly ground: Ground };
  /** What the branch began at. */
  readonly base: { readonly version: string; readonly source: VersionSource };
  /** The job's own edits, in input order; none for a rollback. */
  readonly edits: readonly StoredEdit[];
}

/** Reads what a job on a branch needs. The head cannot move while we hold the lane. */
export async function openBranchWork(db: Lineage, job: JobRow): Promise<BranchWork> {
  if (job.branch_id === null) throw new TypeError(`${job.id} is on no branch`);
  const row = await db.prisma.branch.findUniqueOrThrow({ where: { id: job.branch_id }, include: { model: true } });
  const created = await db.prisma.branchMove.findUniqueOrThrow({
    where: { branchId_sequence: { branchId: row.id, sequence: 1 } },
  });
  const { digest } = row.model;
  return {
    model: storedModel(row.model),
    branch: branchResource(row),
    parent: { version: row.headVersionId, ground: await groundAt(db, digest, row.tipId) },
    base: { version: created.toVersionId, source: await sourceAt(db, digest, created.tipId) },
    edits: await editsOfJob(db, job.id),
  };
}
