// Branches: named pointers to versions, and how one comes into being and goes.
import {
  type BranchPolicy,
  type BranchResource,
  defaultEditor,
  defaultGatePolicy,
  ErrataError,
  type GatePolicy,
  type JobState,
  type Page,
  versionPrefix,
} from '@errata/contracts';
import { asJson, clientOf, type Db, isUniqueViolation, type Lineage, type Tx } from './client.ts';
import type { Branch as BranchRow } from './generated/client.ts';
import { newId } from './ids.ts';
import { type PageRequest, pageOf } from './pages.ts';
import { transition } from './transitions.ts';
import { findPlace } from './versions.ts';

const lanePrefix = 'branch:';
export const branchLane = (branchId: string): string => `${lanePrefix}${branchId}`;
/** The branch that a lane works on; null for lanes of imports and the like. */
export const branchOfLane = (lane: string): string | null =>
  lane.startsWith(lanePrefix) ? lane.slice(lanePrefix.length) : null;

/** `unknown_branch` when the model has no branch of this name. */
export async function getBranch(db: Db, modelId: string, name: string): Promise<BranchResource> {
  return branchResource(await findBranch(db, modelId, name));
}

export async function findBranch(db: Db, modelId: string, name: string): Promise<BranchRow> {
  const row = await clientOf(db).branch.findFirst({ where: { modelId, name, deletedAt: null } });
  if (row === null) throw new ErrataError('unknown_branch', `the model has no branch ${JSON.stringify(name)}`);
  return row;
}

/** `unknown_branch` when there is none of this id, or it was deleted. */
export async function findBranchById(db: Db, id: string): Promise<BranchRow> {
  const row = await clientOf(db).branch.findFirst({ where: { id, deletedAt: null } });
  if (row === null) throw new ErrataError('unknown_branch', `there is no branch ${JSON.stringify(id)}`);
  return row;
}

/** A branch by its id. `unknown_branch`. */
export const getBranchById = async (db: Db, id: string): Promise<BranchResource> =>
  branchResource(await findBranchById(db, id));

/** A model's branches by name. The cursor is a name. */
export async function listBranches(db: Db, modelId: string, page: PageRequest = {}): Promise<Page<BranchResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).branch.findMany({
    where: { modelId, deletedAt: null, ...(page.after === undefined ? {} : { name: { gt: page.after } }) },
    orderBy: { name: 'asc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ name }) => name, branchResource);
}

export interface NewBranch {
  readonly name: string;
  /** A version id (or a unique prefix), or another branch's name. */
  readonly from: string;
  readonly gate?: GatePolicy | undefined;
  readonly default_editor?: string | undefined;
  readonly approval?: BranchPolicy['approval'] | undefined;
  readonly approval_hours?: number | null | undefined;
  readonly auto_rollback?: BranchPolicy['auto_rollback'] | undefined;
  readonly protected?: boolean | undefined;
  /** Id of the API key. */
  readonly created_by?: string | null | undefined;
}

/** Creates a branch at a version or at another branch's head. `name_taken`, `unknown_branch`, `unknown_version`. */
export async function createBranch(db: Lineage, modelId: string, branch: NewBranch): Promise<BranchResource> {
  try {
    return await db.prisma.$transaction(async (tx) => {
      const start = await startOf(tx, modelId, branch.from);
      return branchResource(await insertBranch(tx, { modelId, ...start, ...branch, jobId: null }));
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ErrataError('name_taken', `the model already has a branch ${JSON.stringify(branch.name)}`);
  }
}

async function startOf(tx: Tx, modelId: string, from: string): Promise<{ version: string; tip: string | null }> {
  if (!from.startsWith(versionPrefix)) {
    const source = await findBranch(tx, modelId, from);
    return { version: source.headVersionId, tip: source.tipId };
  }
  return findPlace(tx, from, modelId);
}

/** Writes a branch and the first move of its history. */
export async function insertBranch(
  tx: Tx,
  branch: Omit<NewBranch, 'from'> & {
    readonly modelId: string;
    readonly version: string;
    readonly tip: string | null;
    readonly jobId: string | null;
  },
): Promise<BranchRow> {
  const { modelId, version, tip, jobId } = branch;
  const policy: BranchPolicy = {
    gate: branch.gate ?? defaultGatePolicy,
    approval: branch.approval ?? 'none',
    approval_hours: branch.approval_hours ?? null,
    auto_rollback: branch.auto_rollback ?? 'off',
    protected: branch.protected ?? false,
  };
  const row = await tx.branch.create({
    data: {
      id: newId('branch'),
      modelId,
      name: branch.name,
      headVersionId: version,
      tipId: tip,
      defaultEditor: branch.default_editor ?? defaultEditor,
      ...policyColumns(policy),
    },
  });
  await tx.branchPolicy.create({
    data: { branchId: row.id, revision: 1, policy: asJson(policy), changedBy: branch.created_by ?? null },
  });
  await tx.branchMove.create({
    data: { branchId: row.id, sequence: 1, modelId, kind: 'created', toVersionId: version, tipId: tip, jobId },
  });
  return row;
}

/**
 * Deletes a branch: it is seen no more, its queued jobs are cancelled, a running one will be rejected; its history stays.
 * `unknown_branch`, `protected_branch`.
 */
export async function deleteBranch(db: Lineage, modelId: string, name: string): Promise<void> {
  await db.prisma.$transaction(async (tx) => {
    const branch = await findBranch(tx, modelId, name);
    // The lane's lock keeps submissions and commits out until this is done.
    await tx.$queryRaw`SELECT id FROM lanes WHERE id = ${branchLane(branch.id)} FOR NO KEY UPDATE`;
    // To delete a guarded branch and make another of its name would be a way around what guards it.
    const deleted = await tx.branch.updateMany({
      where: { id: branch.id, deletedAt: null, protected: false, approval: 'none' },
      data: { deletedAt: new Date() },
    });
    if (deleted.count === 0) {
      throw new ErrataError(
        'protected_branch',
        `branch ${JSON.stringify(name)} is guarded: nobody deletes it while its policy protects it or asks for approvals`,
        { details: { branch: name } },
      );
    }
    const idle = await tx.job.findMany({
      where: { branchId: branch.id, state: { in: ['queued', 'awaiting_approval'] } },
      select: { id: true, state: true },
    });
    for (const { id, state } of idle) {
      await transition(tx, {
        jobId: id,
        from: [state as JobState],
        to: 'cancelled',
        data: { reason: 'the branch was deleted' },
      });
    }
  });
}

/** A policy in the columns of a branch. */
export const policyColumns = ({ gate, approval, approval_hours, auto_rollback, ...rest }: BranchPolicy) => ({
  gate: asJson(gate),
  approval,
  approvalHours: approval_hours,
  autoRollback: auto_rollback,
  protected: rest.protected,
});

export const staleParent = (branch: Pick<BranchRow, 'name' | 'headVersionId'>, parent: string): ErrataError =>
  new ErrataError(
    'stale_parent',
    `branch ${JSON.stringify(branch.name)} is at ${branch.headVersionId}, not at ${parent}`,
    {
      details: { head: branch.headVersionId, parent_version_id: parent },
    },
  );

export const deletedBranch = (branch: Pick<BranchRow, 'name'>): ErrataError =>
  new ErrataError('unknown_branch', `branch ${JSON.stringify(branch.name)} was deleted`);

export const branchResource = (row: BranchRow): BranchResource => ({
  id: row.id,
  object: 'branch',
  model_id: row.modelId,
  name: row.name,
  head: row.headVersionId,
  gate: row.gate as unknown as GatePolicy,
  default_editor: row.defaultEditor,
  approval: row.approval as BranchPolicy['approval'],
  approval_hours: row.approvalHours,
  auto_rollback: row.autoRollback as BranchPolicy['auto_rollback'],
  protected: row.protected,
  policy_revision: row.policyRevision,
  created_at: row.createdAt.toISOString(),
});
