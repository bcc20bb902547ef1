// What a branch's policy lets through: the one table that every way of moving a branch is held against.
import { approvalSchema, ErrataError } from '@errata/contracts';
import { readStoredOrNull } from '../database/stored.ts';
import type { Job as JobDbRow } from '../generated/client.ts';

/** How a branch came to a version. */
export const moveKinds = ['edit', 'reset', 'exact', 'subtract'] as const;
export type MoveKind = (typeof moveKinds)[number];

export type Passage = 'free' | 'approval' | 'refused';

interface Guarded {
  readonly name: string;
  readonly protected: boolean;
  readonly approval: string;
}

/**
 * Whether a move needs an approval, or cannot be had at all.
 *
 * |                        | open branch | approval: required | protected |
 * |------------------------|-------------|--------------------|-----------|
 * | edit, exact, subtract  | free        | approval           | approval  |
 * | reset by a person      | free        | free               | refused   |
 * | reset by auto-rollback | free        | free               | approval  |
 *
 * A reset only goes where the branch has been, by what was approved then. Reverts make states that nobody has seen.
 */
export function passageOf(branch: Guarded, kind: MoveKind, automatic: boolean): Passage {
  if (kind === 'reset') return branch.protected ? (automatic ? 'approval' : 'refused') : 'free';
  // What this build does not know is no leave.
  return branch.protected || branch.approval !== 'none' ? 'approval' : 'free';
}

const isApproved = ({ id, approval }: Pick<JobDbRow, 'id' | 'approval'>): boolean =>
  readStoredOrNull(approvalSchema, approval, `the approval of ${id}`)?.state === 'approved';

/** @throws ErrataError `protected_branch`; `approval_required` when the job has none: tried again, it will wait for one */
export function requirePassage(
  branch: Guarded,
  job: Pick<JobDbRow, 'id' | 'approval' | 'causeJobId'>,
  kind: MoveKind,
): void {
  const passage = passageOf(branch, kind, job.causeJobId !== null);
  if (passage === 'refused') throw resetRefused(branch);
  if (passage === 'approval' && !isApproved(job)) {
    throw new ErrataError(
      'approval_required',
      `branch ${JSON.stringify(branch.name)} moves only with an approval, and ${job.id} has none`,
      { details: { branch: branch.name, job: job.id } },
    );
  }
}

/** Refuses at once, whoever submits or repeats it, what the policy of the branch would never let through. @throws ErrataError `protected_branch` */
export function requireStart(branch: Guarded, kind: MoveKind, automatic: boolean): void {
  if (passageOf(branch, kind, automatic) === 'refused') throw resetRefused(branch);
}

const resetRefused = (branch: Pick<Guarded, 'name'>): ErrataError =>
  new ErrataError(
    'protected_branch',
    `branch ${JSON.stringify(branch.name)} is protected and is never reset; revert edits, which somebody else approves`,
    { details: { branch: branch.name } },
  );
