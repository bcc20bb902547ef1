// How a job on a branch ends well: its candidate is committed, or set aside for a person, as the branch's policy has it.
import type { BranchResource } from '@errata/contracts';
import {
  approvedCandidate,
  awaitApproval,
  type BranchWork,
  commitVersion,
  passageOf,
  requireStart,
  type VersionCommit,
} from '@errata/lineage';
import { Interruption } from '../attempts/failed-attempt.ts';
import type { JobRun } from '../attempts/job-run.ts';
import { requireSound } from './sound.ts';

/** @throws ErrataError `protected_branch` */
export const requireNoRefusal = (run: JobRun, branch: BranchResource, kind: VersionCommit['kind']): void =>
  requireStart(branch, kind, run.job.cause_job_id !== null);

/**
 * Commits a candidate that passed its gate, or has it wait for an approval where the branch asks for one and the job has none.
 * @throws ErrataError `protected_branch`, and as {@link requireSound} and {@link commitVersion}
 */
export async function conclude(
  run: JobRun,
  branch: BranchResource,
  candidate: Omit<VersionCommit, 'jobId'>,
): Promise<void> {
  const { lineage } = run.context;
  requireNoRefusal(run, branch, candidate.kind);
  await requireSound(run, branch.model_id, candidate.ground);
  const commit = { jobId: run.job.id, ...candidate };
  if (passage(run, branch, candidate.kind) === 'approval' && run.job.approval?.state !== 'approved') {
    const waiting = { from: run.state(), policyRevision: branch.policy_revision };
    await run.settle();
    if ((await awaitApproval(lineage, run.lease, { ...commit, ...waiting })) === 'cancel_requested')
      throw new Interruption('cancelled', 'a person asked to cancel the job');
    return run.ended('awaiting_approval');
  }
  await run.move('committing');
  await commitVersion(lineage, run.lease, commit);
  run.ended(candidate.outcome);
}

/** Commits what was approved, if the branch and its policy are still as they were then. False when the work has to be done anew. */
export async function commitApproved(run: JobRun, { branch, parent }: BranchWork): Promise<boolean> {
  const { lineage } = run.context;
  const now = { head: parent.version, policyRevision: branch.policy_revision };
  const candidate = await approvedCandidate(lineage, run.job, now);
  if (candidate === null) return false;
  const { kind, ground, outcome, reason = null } = candidate;
  // What was found out about it was written down when it was set aside.
  const found = { summary: null, gate: null, editResults: [] };
  await conclude(run, branch, { parent: parent.version, kind, ground, outcome, reason, ...found });
  return true;
}

const passage = (run: JobRun, branch: BranchResource, kind: VersionCommit['kind']) =>
  passageOf(branch, kind, run.job.cause_job_id !== null);
