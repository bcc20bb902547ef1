// Approvals: a candidate that passed its gate waits for a second person, off its lane, and is committed, rejected or lapses.
import {
  type Approval,
  approvalSchema,
  ErrataError,
  type JobResource,
  type JobState,
  nextVersionId,
  rootVersionId,
  toPlainError,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { noteAct } from '../audit/note.ts';
import type { Lineage, Tx } from '../database/client.ts';
import { readStored } from '../database/stored.ts';
import type { VersionCommit } from '../history/commit.ts';
import { deltasOf, type Ground } from '../history/contributions.ts';
import { writeEditResults } from '../jobs/edits.ts';
import { getJob, lockJob } from '../jobs/jobs.ts';
import { holdLane, type Lease } from '../jobs/leases.ts';
import { type JobRow, staleJob, transition } from '../jobs/transitions.ts';
import { deletedBranch } from '../names/branches.ts';
import { readCandidate, type StoredCandidate, storeCandidate } from './candidates.ts';

/**
 * Sets a candidate aside for a person to decide upon, with everything that was found out about it. The job leaves the order of its
 * lane: later jobs do not wait for it, and nobody holds it. `cancel_requested` when a person had asked to cancel it: nothing was
 * written, and the worker finishes it as cancelled. `stale_epoch` when the lane was taken over, `unknown_branch` when the
 * branch was deleted.
 */
export async function awaitApproval(
  db: Lineage,
  lease: Lease,
  commit: VersionCommit & { readonly from: JobState; readonly policyRevision: number },
): Promise<Approval | 'cancel_requested'> {
  await failpoint('approval.before');
  const { jobId, from } = commit;
  const approval = await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const job = await tx.job.findUniqueOrThrow({
      where: { id: jobId },
      include: { branch: { include: { model: true } } },
    });
    if (job.branch === null) throw staleJob(jobId, from, job.state);
    const { branch } = job;
    if (branch.deletedAt !== null) throw deletedBranch(branch);
    // Its row is ours from here on: a wish to cancel it comes before or after, not in between.
    const { cancel_requested } = await lockJob(tx, jobId);
    if (cancel_requested && job.state === from && job.epoch === lease.epoch) return 'cancel_requested';
    const version = await versionOf(tx, branch.model.digest, commit.ground);
    const since = await databaseTime(tx);
    const expires = branch.approvalHours === null ? null : new Date(since.getTime() + branch.approvalHours * 3_600_000);
    const waiting: Approval = {
      state: 'waiting',
      version_id: version,
      parent_version_id: commit.parent,
      since: since.toISOString(),
      expires_at: expires?.toISOString() ?? null,
      by: null,
      reason: null,
      decided_at: null,
    };
    await storeCandidate(tx, branch.modelId, { ...commit, version }, expires);
    await writeEditResults(tx, jobId, commit.editResults);
    const moved = await transition(tx, {
      jobId,
      from: [from],
      to: 'awaiting_approval',
      epoch: lease.epoch,
      summary: commit.summary,
      gate: commit.gate,
      result: commit.result,
      approval: waiting,
      data: { version_id: version, parent_version_id: commit.parent, expires_at: waiting.expires_at },
    });
    if (moved === null) throw staleJob(jobId, from, job.state);
    return waiting;
  });
  await failpoint('approval.after');
  return approval;
}

/** A person's decision. */
export interface Decision {
  readonly jobId: string;
  /** Id of the API key. */
  readonly by: string;
  readonly reason: string;
}

/**
 * Lets a candidate through: the job is queued again, in its old place, to be committed by whoever works the lane next.
 * `self_approval` for whoever submitted it, `not_awaiting_approval`, `approval_expired`, `unknown_job`.
 */
export async function approveJob(db: Lineage, { jobId, by, reason }: Decision): Promise<JobResource> {
  await failpoint('approve.before');
  const approved = await db.prisma.$transaction(async (tx) => {
    const { approval, submitters } = await lockWaiting(tx, jobId);
    if (submitters.includes(by)) {
      throw new ErrataError('self_approval', `${jobId} was submitted by the same key: somebody else must approve it`, {
        details: { job: jobId },
      });
    }
    const now = await databaseTime(tx);
    if (approval.expires_at !== null && Date.parse(approval.expires_at) <= now.getTime())
      throw expired(jobId, approval);
    await transition(tx, {
      jobId,
      from: ['awaiting_approval'],
      to: 'queued',
      type: 'approved',
      approval: { ...approval, state: 'approved', by, reason, decided_at: now.toISOString() },
      data: { by, reason, version_id: approval.version_id },
    });
    await noteAct(tx, { act: 'job.approved', subject: jobId, details: { version_id: approval.version_id }, by });
    return getJob(tx, jobId);
  });
  await failpoint('approve.after');
  return approved;
}

/** Turns a candidate down; the branch stays where it is. `not_awaiting_approval`, `unknown_job`. */
export async function rejectJob(db: Lineage, { jobId, by, reason }: Decision): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const { approval } = await lockWaiting(tx, jobId);
    const now = await databaseTime(tx);
    const error = new ErrataError('approval_denied', `rejected: ${reason}`, { details: { by } });
    await endWaiting(tx, jobId, { ...approval, state: 'rejected', by, reason, decided_at: now.toISOString() }, error);
    await noteAct(tx, { act: 'job.refused', subject: jobId, details: { version_id: approval.version_id }, by });
    return getJob(tx, jobId);
  });
}

/** Rejects every candidate whose time is over, and answers with their jobs. One that is being decided upon right now is left alone. */
export async function expireApprovals(db: Lineage): Promise<readonly string[]> {
  return db.prisma.$transaction(async (tx) => {
    const late = await tx.$queryRaw<{ id: string }[]>`
      SELECT jobs.id FROM jobs JOIN candidates ON candidates.job_id = jobs.id
      WHERE jobs.state = 'awaiting_approval' AND candidates.expires_at <= clock_timestamp()
      ORDER BY jobs.id LIMIT 100 FOR NO KEY UPDATE OF jobs SKIP LOCKED`;
    for (const { id } of late) {
      const { approval } = await lockWaiting(tx, id);
      const now = await databaseTime(tx);
      await endWaiting(tx, id, { ...approval, state: 'expired', decided_at: now.toISOString() }, expired(id, approval));
    }
    return late.map(({ id }) => id);
  });
}

/**
 * What an approved job may commit as it is: what was approved, if the branch is still where it was, under the policy by which it
 * was judged. Null when the work has to be done anew, on the head and by the policy of now; the approval holds for that, too.
 */
export async function approvedCandidate(
  db: Lineage,
  job: JobRow,
  now: { readonly head: string; readonly policyRevision: number },
): Promise<StoredCandidate | null> {
  if (job.approval?.state !== 'approved') return null;
  const candidate = await readCandidate(db, job.id);
  const asItWas = candidate?.parent === now.head && candidate.policyRevision === now.policyRevision;
  return asItWas ? candidate : null;
}

async function lockWaiting(
  tx: Tx,
  jobId: string,
): Promise<{ readonly approval: Approval; readonly submitters: readonly (string | null)[] }> {
  const { state } = await lockJob(tx, jobId);
  if (state !== 'awaiting_approval') {
    throw new ErrataError('not_awaiting_approval', `${jobId} is ${state}: there is nothing to decide`, {
      details: { state },
    });
  }
  const row = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
  // A schedule submits in its owner's name what others have put into the inbox.
  const inbox = await tx.inboxEdit.findMany({ where: { jobId }, select: { createdBy: true }, distinct: ['createdBy'] });
  return {
    approval: readStored(approvalSchema, row.approval, `the approval of ${jobId}`),
    submitters: [row.createdBy, ...inbox.map(({ createdBy }) => createdBy)],
  };
}

async function endWaiting(tx: Tx, jobId: string, approval: Approval, error: ErrataError): Promise<void> {
  await transition(tx, {
    jobId,
    from: ['awaiting_approval'],
    to: 'rejected',
    approval,
    error: toPlainError(error),
    data: { by: approval.by, reason: approval.reason, error: { code: error.code, message: error.message } },
  });
}

const expired = (jobId: string, { expires_at }: Approval): ErrataError =>
  new ErrataError('approval_expired', `nobody approved ${jobId} before ${expires_at}`, { details: { expires_at } });

/** The id that a version will have. */
async function versionOf(tx: Tx, model: string, { after, added }: Pick<Ground, 'after' | 'added'>): Promise<string> {
  const link = after === null ? null : await tx.contribution.findUniqueOrThrow({ where: { id: after } });
  return deltasOf(added).reduce(nextVersionId, link?.versionId ?? rootVersionId(model));
}

/** The machines that workers run on may disagree about the time; the database decides. */
async function databaseTime(tx: Tx): Promise<Date> {
  const [row] = await tx.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`;
  return row!.now;
}
