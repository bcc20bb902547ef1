// Automatic rollback: a later evaluation of a branch's head that fails its gate sends the branch back to a version that passed it.
import {
  type BranchResource,
  type ComparedWith,
  type GateVerdict,
  isUnjudged,
  reasonsOf,
  type VersionSource,
} from '@errata/contracts';
import { clientOf, type Db, type Tx } from '../database/client.ts';
import { sourceAt } from '../history/contributions.ts';
import { sourceOfVersion } from '../history/versions.ts';
import { submitRollbackWithin } from '../jobs/submit.ts';
import type { JobRow } from '../jobs/transitions.ts';
import { branchLane, branchResource } from '../names/branches.ts';
import { autoRollbackOf } from '../names/inheritance.ts';

/** The gate that an evaluation is held against. */
export interface EvaluationGate {
  readonly branch: BranchResource;
  /** The version that the evaluated one was made from; itself for the imported model. */
  readonly parent: VersionSource;
  /** What the branch began at. */
  readonly base: VersionSource;
  /** What the version that the evaluation compares with is to the gate. */
  readonly against: ComparedWith;
}

/** Null for an evaluation that did not ask to be held against a gate. */
export async function openEvaluationGate(db: Db, job: JobRow): Promise<EvaluationGate | null> {
  const { branch_id, model_id, version_id } = job;
  if (job.input.gate !== true || branch_id === null || model_id === null || version_id === null) return null;
  const client = clientOf(db);
  const row = await client.branch.findUniqueOrThrow({ where: { id: branch_id }, include: { model: true } });
  const created = await client.branchMove.findUniqueOrThrow({
    where: { branchId_sequence: { branchId: branch_id, sequence: 1 } },
  });
  const version = await client.version.findUniqueOrThrow({
    where: { modelId_id: { modelId: model_id, id: version_id } },
  });
  const parent = version.parentId ?? version_id;
  return {
    branch: branchResource(row),
    parent: await sourceOfVersion(db, parent, model_id),
    base: await sourceAt(db, row.model.digest, created.tipId),
    against: { parent: job.parent_version_id === parent, base: job.parent_version_id === created.toVersionId },
  };
}

/** What an evaluation that failed its gate brought about; told in the event that ends it. */
export type Consequence =
  | { readonly kind: 'rollback'; readonly job: string; readonly lane: string; readonly to_version: string }
  | {
      readonly kind: 'none';
      readonly why: 'off' | 'not_judged' | 'not_the_head' | 'branch_deleted' | 'no_good_version';
    };

/**
 * Queues the rollback that the branch's policy asks for after a verdict against it, within the transaction that ends the evaluation:
 * so there is one at most, however often that is tried. Nothing happens when the head is another version by now, and the rollback
 * itself is rejected when the head moves before its turn.
 */
export async function reactToVerdict(
  tx: Tx,
  evaluation: { readonly id: string; readonly branchId: string; readonly versionId: string },
  verdict: GateVerdict,
): Promise<Consequence> {
  const { id, branchId, versionId } = evaluation;
  // The lane's lock keeps commits and changes of policy out until this is done.
  await tx.$queryRaw`SELECT id FROM lanes WHERE id = ${branchLane(branchId)} FOR NO KEY UPDATE`;
  const branch = await tx.branch.findUniqueOrThrow({ where: { id: branchId } });
  if (branch.deletedAt !== null) return { kind: 'none', why: 'branch_deleted' };
  if (autoRollbackOf(branch) !== 'reset') return { kind: 'none', why: 'off' };
  // What cannot be judged passes nothing, and is no reason to take back what has passed.
  if (isUnjudged(verdict)) return { kind: 'none', why: 'not_judged' };
  if (branch.headVersionId !== versionId) return { kind: 'none', why: 'not_the_head' };
  const good = await lastGoodVersion(tx, branchId, versionId);
  if (good === null) return { kind: 'none', why: 'no_good_version' };
  const reason = `${id} failed the gate: ${reasonsOf(verdict).join('; ')}; ${good.why}`;
  const job = await submitRollbackWithin(tx, {
    model: branch.modelId,
    branch: branch.name,
    mode: 'reset',
    to_version: good.version,
    parent_version_id: versionId,
    reason: reason.slice(0, 1000),
    created_by: null,
    cause: id,
  });
  return { kind: 'rollback', job: job.id, lane: branchLane(branchId), to_version: good.version };
}

/**
 * The version that the branch was at last, other than its head, whose latest evaluation against the gate passed. Where none has, the last
 * that nobody has evaluated and whose own job passed the gate of the branch, not one that it brought along.
 */
async function lastGoodVersion(
  tx: Tx,
  branchId: string,
  head: string,
): Promise<{ readonly version: string; readonly why: string } | null> {
  const [good] = await tx.$queryRaw<{ version: string; job: string; evaluated: boolean }[]>`
    WITH verdicts AS (
      SELECT DISTINCT ON (version_id) version_id, id, (gate ->> 'passed')::boolean AS passed FROM jobs
      WHERE branch_id = ${branchId} AND kind = 'evaluation' AND gate IS NOT NULL AND version_id <> ${head}
      ORDER BY version_id, finished_at DESC, id DESC
    )
    SELECT to_version_id AS version, coalesce(verdicts.id, jobs.id) AS job, verdicts.id IS NOT NULL AS evaluated
    FROM branch_moves
    LEFT JOIN verdicts ON verdicts.version_id = to_version_id LEFT JOIN jobs ON jobs.id = branch_moves.job_id
    WHERE branch_moves.branch_id = ${branchId} AND to_version_id <> ${head}
      AND coalesce(verdicts.passed, (jobs.gate ->> 'passed')::boolean AND jobs.gate -> 'policy_revision' IS NOT NULL)
    ORDER BY evaluated DESC, branch_moves.sequence DESC LIMIT 1`;
  if (good === undefined) return null;
  const { version, job, evaluated } = good;
  return {
    version,
    why: evaluated
      ? `${job} had passed it`
      : `no evaluation has passed it, but ${job} had when it made ${version.slice(0, 16)}`,
  };
}
