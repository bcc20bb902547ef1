// The commit of a version: one transaction in which everything a job achieved becomes true at once, or nothing does.
import type { EditResult, EvaluationSummary, GateVerdict } from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { inSpan } from '@errata/tracing';
import { noteAct } from '../audit/note.ts';
import type { Lineage } from '../database/client.ts';
import { writeEditResults } from '../jobs/edits.ts';
import { holdLane, type Lease } from '../jobs/leases.ts';
import { staleJob, transition } from '../jobs/transitions.ts';
import { deletedBranch, staleParent } from '../names/branches.ts';
import { type MoveKind, requirePassage } from '../policies/guard.ts';
import { announce } from '../webhooks/announce.ts';
import { type Ground, writeChain } from './contributions.ts';

export interface VersionCommit {
  readonly jobId: string;
  /** The version the work was done on; the branch must still be there. */
  readonly parent: string;
  readonly kind: MoveKind;
  /** What the new version is: a stored link and what comes after it. The blobs must already be stored. */
  readonly ground: Pick<Ground, 'after' | 'added'>;
  readonly outcome: 'succeeded' | 'completed_with_errors';
  readonly summary: EvaluationSummary | null;
  readonly gate: GateVerdict | null;
  /** Results of the job's own edits. */
  readonly editResults: readonly EditResult[];
  readonly result?: Readonly<Record<string, unknown>>;
  readonly reason?: string | null;
}

export interface CommittedVersion {
  readonly version: string;
  readonly sequence: number;
  /** True when an earlier call had already committed this job: its answer was lost on the way. */
  readonly already: boolean;
}

/**
 * Moves the branch to a new version: job from committing to its outcome with its event, chain and version, head by compare-and-swap,
 * the move, the edits' results. `stale_epoch` when the lane was taken over, `stale_parent` when the head is elsewhere,
 * `unknown_branch` when it was deleted, `approval_required` or `protected_branch` when its policy does not let this through; nothing is
 * written then.
 */
export const commitVersion = (db: Lineage, lease: Lease, commit: VersionCommit): Promise<CommittedVersion> =>
  inSpan('commit', { attributes: { 'errata.job': commit.jobId, 'errata.move': commit.kind } }, () =>
    commitInOne(db, lease, commit),
  );

async function commitInOne(db: Lineage, lease: Lease, commit: VersionCommit): Promise<CommittedVersion> {
  await failpoint('commit.before');
  const committed = await db.prisma.$transaction(async (tx): Promise<CommittedVersion> => {
    await holdLane(tx, lease);
    await failpoint('commit.after_lane_lock');
    const { jobId, parent } = commit;
    const earlier = await tx.branchMove.findUnique({ where: { jobId } });
    if (earlier !== null) return { version: earlier.toVersionId, sequence: earlier.sequence, already: true };

    const job = await tx.job.findUnique({ where: { id: jobId }, include: { branch: { include: { model: true } } } });
    if (job?.branch == null || job.laneId !== lease.lane || job.state !== 'committing' || job.epoch !== lease.epoch) {
      throw staleJob(jobId, 'committing', job?.state);
    }
    const { branch } = job;
    requirePassage(branch, job, commit.kind);
    const { tip, version, bytes } = await writeChain(tx, branch.model, commit.ground);
    await tx.$executeRaw`
      INSERT INTO versions (id, model_id, parent_id, tip_id, job_id, delta_bytes)
      VALUES (${version}, ${branch.modelId}, ${parent}, ${tip}, ${jobId}, ${bytes}::bigint)
      ON CONFLICT (model_id, id) DO NOTHING`;
    await failpoint('commit.after_version');

    const moved = await tx.branch.updateMany({
      where: { id: branch.id, headVersionId: parent, deletedAt: null },
      data: { headVersionId: version, tipId: tip },
    });
    if (moved.count !== 1) throw branch.deletedAt !== null ? deletedBranch(branch) : staleParent(branch, parent);
    await failpoint('commit.after_head');

    const { _max: last } = await tx.branchMove.aggregate({ where: { branchId: branch.id }, _max: { sequence: true } });
    const sequence = (last.sequence ?? 0) + 1;
    await tx.branchMove.create({
      data: {
        branchId: branch.id,
        sequence,
        modelId: branch.modelId,
        kind: commit.kind,
        fromVersionId: parent,
        toVersionId: version,
        tipId: tip,
        jobId,
        reason: commit.reason ?? null,
      },
    });
    await noteAct(tx, {
      act: 'branch.moved',
      subject: branch.id,
      model: branch.modelId,
      details: { sequence, kind: commit.kind, from_version_id: parent, to_version_id: version, job_id: jobId },
      by: job.createdBy,
    });
    await announce(tx, 'branch.moved', branch.modelId, {
      branch_id: branch.id,
      branch: branch.name,
      model_id: branch.modelId,
      kind: commit.kind,
      sequence,
      from_version_id: parent,
      to_version_id: version,
      job_id: jobId,
      reason: commit.reason ?? null,
    });
    await failpoint('commit.after_move');

    await writeEditResults(tx, jobId, commit.editResults);
    await failpoint('commit.after_results');
    const done = await transition(tx, {
      jobId,
      from: ['committing'],
      to: commit.outcome,
      epoch: lease.epoch,
      summary: commit.summary,
      gate: commit.gate,
      result: commit.result,
      version_id: version,
      parent_version_id: parent,
      data: { version_id: version, parent_version_id: parent, sequence },
    });
    if (done === null) throw staleJob(jobId, 'committing', job.state);
    await failpoint('commit.before_commit');
    return { version, sequence, already: false };
  });
  await failpoint('commit.after');
  return committed;
}
