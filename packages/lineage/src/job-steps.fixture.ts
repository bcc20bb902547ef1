// A job's way through its states, as a worker takes it, with made-up results.
import { type EditResult, type GateVerdict, sha256 } from '@errata/contracts';
import {
  type CommittedVersion,
  type Contribution,
  commitVersion,
  type Lease,
  type Lineage,
  type MoveKind,
  moveJob,
  openBranchWork,
  type TakenJob,
  upon,
} from './index.ts';

export const gatePassed: GateVerdict = { passed: true, findings: [] };

export const madeResult = (customId: string): EditResult => {
  const score = { token: 1, all: 1, exact: 1 };
  return {
    custom_id: customId,
    outcome: 'applied',
    error: null,
    answer_before: ' Paris',
    answer_after: ' Lyon',
    reliability: { before: score, after: score },
    generalization: null,
    locality: {},
    portability: {},
    diagnostics: {},
  };
};

/** A contribution whose blob is named after the edits it answers and what it was built upon. */
export const madeContribution = (jobId: string, editIds: readonly string[], seed = ''): Contribution => ({
  job_id: jobId,
  edit_ids: editIds,
  deltas: [{ kind: 'low_rank', blob: sha256(`${editIds.join()}${seed}`) }],
  bytes: 1000,
});

/** Brings a running job to committing. */
export async function toCommitting(db: Lineage, lease: Lease, jobId: string): Promise<void> {
  await moveJob(db, lease, jobId, 'running', 'evaluating');
  await moveJob(db, lease, jobId, 'evaluating', 'committing');
}

/** Commits an edit job that is committing: one contribution an edit, or one for all of them. */
export async function commitEdits(
  db: Lineage,
  lease: Lease,
  taken: TakenJob,
  more: { batched?: boolean; kind?: MoveKind } = {},
): Promise<CommittedVersion> {
  const { parent, edits } = await openBranchWork(db, taken);
  const ids = edits.map(({ id }) => id);
  const groups = more.batched === true ? [ids] : ids.map((id) => [id]);
  return commitVersion(db, lease, {
    jobId: taken.id,
    parent: parent.version,
    kind: more.kind ?? 'edit',
    ground: upon(
      parent.ground,
      groups.map((group) => madeContribution(taken.id, group, parent.version)),
    ),
    outcome: 'succeeded',
    summary: null,
    gate: gatePassed,
    editResults: edits.map(({ edit }) => madeResult(edit.custom_id)),
  });
}
