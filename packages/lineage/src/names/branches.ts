// Branches: named pointers to versions, and how one comes into being and goes.
import {
  type BranchPolicy,
  type BranchResource,
  ErrataError,
  type JobState,
  type Need,
  type Page,
  readGate,
  requireNeeds,
  type Scope,
} from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { asJson, clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { type PageRequest, pageOf } from '../database/pages.ts';
import type { Branch as BranchRow } from '../generated/client.ts';
import { transition } from '../jobs/transitions.ts';
import { requireNoErased } from '../upkeep/erase.ts';
import {
  approvalOf,
  autoRollbackOf,
  inheritedPolicy,
  needsOfName,
  type StoredPolicy,
  storedPolicy,
} from './inheritance.ts';
import { claimName, resolveReference } from './references.ts';

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
  // Every submission waits for this twice, the second time with its lane locked.
  const [row] = await clientOf(db).$queryRaw<BranchRow[]>`/* prepared */
    SELECT id, model_id AS "modelId", name, head_version_id AS "headVersionId", tip_id AS "tipId", gate, default_editor AS "defaultEditor",
      protected, approval, approval_hours AS "approvalHours", auto_rollback AS "autoRollback", policy_revision AS "policyRevision",
      created_at AS "createdAt", deleted_at AS "deletedAt"
    FROM branches WHERE model_id = ${modelId} AND name = ${name} AND deleted_at IS NULL`;
  if (row === undefined) throw unknownBranch(name);
  return row;
}

export const unknownBranch = (name: string): ErrataError =>
  new ErrataError('unknown_branch', `the model has no branch ${JSON.stringify(name)}`);

/** `unknown_branch` when there is none of this id, or it was deleted. */
export async function findBranchById(db: Db, id: string): Promise<BranchRow> {
  const row = await clientOf(db).branch.findFirst({ where: { id, deletedAt: null } });
  if (row === null) throw new ErrataError('unknown_branch', `there is no branch ${JSON.stringify(id)}`);
  return row;
}

/** A branch by its id. `unknown_branch`. */
export const getBranchById = async (db: Db, id: string): Promise<BranchResource> =>
  branchResource(await findBranchById(db, id));

/** A model's branches by name, or those that were deleted and can be restored. The cursor is a name, or an id. */
export async function listBranches(
  db: Db,
  modelId: string,
  page: PageRequest & { readonly deleted?: boolean | undefined } = {},
): Promise<Page<BranchResource>> {
  const limit = page.limit ?? 20;
  const key = page.deleted === true ? 'id' : 'name';
  const rows = await clientOf(db).branch.findMany({
    where: {
      modelId,
      deletedAt: page.deleted === true ? { not: null } : null,
      ...(page.after === undefined ? {} : { [key]: { gt: page.after } }),
    },
    orderBy: { [key]: 'asc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, (row) => row[key], branchResource);
}

/** What a branch is to have of a policy of its own; the rest is that of where it begins. */
type OwnPolicy = { readonly [Field in keyof BranchPolicy]?: BranchPolicy[Field] | undefined };

export interface NewBranch extends OwnPolicy {
  readonly name: string;
  /** As `resolveReference` takes it. */
  readonly from: string;
  /** That of the model's first branch where left out. */
  readonly default_editor?: string | undefined;
  /** Id of the API key. */
  readonly created_by?: string | null | undefined;
  /** What that key may do; left out where the service itself asks. */
  readonly scopes?: readonly Scope[] | undefined;
}

const policyFields = ['gate', 'approval', 'approval_hours', 'auto_rollback', 'protected'] as const;

/**
 * Creates a branch where a reference points, with the policy of where it begins ({@link inheritedPolicy}) as far as it is given none.
 * `name_taken`, `unknown_reference`, `unknown_version`; `missing_scope` for a policy of its own, and for a name that stood for something.
 */
export async function createBranch(db: Lineage, modelId: string, branch: NewBranch): Promise<BranchResource> {
  const { name, from, scopes } = branch;
  const own = policyFields.filter((field) => branch[field] !== undefined);
  return db.prisma.$transaction(async (tx) => {
    await claimName(tx, modelId, name);
    const { version, tip, ...source } = await resolveReference(tx, modelId, from);
    await requireNoErased(tx, modelId, tip);
    const inherited = await inheritedPolicy(tx, modelId, { ...source, version });
    const policy = { ...inherited, ...Object.fromEntries(own.map((field) => [field, branch[field]])) };
    if (scopes !== undefined) {
      const needs = own.map((field): Need => ({ scope: 'admin', why: ` to set ${field} of a branch` }));
      requireNeeds(scopes, [...needs, ...(await needsOfName(tx, modelId, name, { kind: 'branch', policy }))]);
    }
    const default_editor = branch.default_editor ?? (await firstEditor(tx, modelId));
    return branchResource(
      await insertBranch(tx, { ...branch, default_editor, policy, modelId, version, tip, jobId: null }),
    );
  });
}

/**
 * Brings a deleted branch back as it was, with its head, history and policy. Its name stands for the one that was deleted last.
 * `unknown_branch` when none was, `name_taken` when something else has the name now; `missing_scope` as for creating one of its name.
 */
export async function restoreBranch(
  db: Lineage,
  modelId: string,
  nameOrId: string,
  scopes?: readonly Scope[],
): Promise<BranchResource> {
  return db.prisma.$transaction(async (tx) => {
    const deleted = { modelId, deletedAt: { not: null } };
    const row =
      (await tx.branch.findFirst({ where: { ...deleted, id: nameOrId } })) ??
      (await tx.branch.findFirst({ where: { ...deleted, name: nameOrId }, orderBy: { deletedAt: 'desc' } }));
    if (row === null) {
      throw new ErrataError('unknown_branch', `the model has no deleted branch ${JSON.stringify(nameOrId)}`);
    }
    await claimName(tx, modelId, row.name);
    await requireNoErased(tx, modelId, row.tipId);
    const given = { kind: 'branch', policy: storedPolicy(row) } as const;
    if (scopes !== undefined) requireNeeds(scopes, await needsOfName(tx, modelId, row.name, given));
    await noteAct(tx, { act: 'branch.restored', subject: row.id, model: modelId, details: { name: row.name } });
    return branchResource(await tx.branch.update({ where: { id: row.id }, data: { deletedAt: null } }));
  });
}

/** The editor that the import of a model gave its first branch, deleted or not. */
async function firstEditor(tx: Tx, modelId: string): Promise<string> {
  const first = await tx.branch.findFirstOrThrow({ where: { modelId }, orderBy: { createdAt: 'asc' } });
  return first.defaultEditor;
}

/** Writes a branch and the first move of its history. */
export async function insertBranch(
  tx: Tx,
  branch: Pick<NewBranch, 'name' | 'created_by'> & {
    readonly default_editor: string;
    readonly policy: StoredPolicy;
    readonly modelId: string;
    readonly version: string;
    readonly tip: string | null;
    readonly jobId: string | null;
  },
): Promise<BranchRow> {
  const { modelId, version, tip, jobId, policy } = branch;
  const row = await tx.branch.create({
    data: {
      id: newId('branch'),
      modelId,
      name: branch.name,
      headVersionId: version,
      tipId: tip,
      defaultEditor: branch.default_editor,
      ...policyColumns(policy),
    },
  });
  await tx.branchPolicy.create({
    data: { branchId: row.id, revision: 1, policy: asJson(policy), changedBy: branch.created_by ?? null },
  });
  await tx.branchMove.create({
    data: { branchId: row.id, sequence: 1, modelId, kind: 'created', toVersionId: version, tipId: tip, jobId },
  });
  await noteAct(tx, {
    act: 'branch.created',
    subject: row.id,
    model: modelId,
    details: { name: row.name, sequence: 1, to_version_id: version },
    by: branch.created_by,
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
    await noteAct(tx, { act: 'branch.deleted', subject: branch.id, model: modelId, details: { name } });
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
export const policyColumns = ({ gate, approval, approval_hours, auto_rollback, ...rest }: StoredPolicy) => ({
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
  gate: readGate(row.gate),
  default_editor: row.defaultEditor,
  approval: approvalOf(row),
  approval_hours: row.approvalHours,
  auto_rollback: autoRollbackOf(row),
  protected: row.protected,
  policy_revision: row.policyRevision,
  created_at: row.createdAt.toISOString(),
  deleted_at: row.deletedAt?.toISOString() ?? null,
});
