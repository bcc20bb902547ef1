// Policies of branches: what may move one, and who changed that when and why.
import {
  type BranchPolicy,
  branchPolicySchema,
  canonicalJson,
  ErrataError,
  type Page,
  type PolicyRevision,
  readGate,
  sha256,
} from '@errata/contracts';
import { z } from 'zod';
import { noteAct } from '../audit/note.ts';
import { asJson, clientOf, type Db, type Lineage } from '../database/client.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readStored } from '../database/stored.ts';
import type { BranchPolicy as PolicyRow } from '../generated/client.ts';
import { branchLane, findBranch, policyColumns } from '../names/branches.ts';

/** The policy of a branch. `unknown_branch`. */
export async function getPolicy(db: Db, modelId: string, branch: string): Promise<PolicyRevision> {
  const { id, name, policyRevision: revision } = await findBranch(db, modelId, branch);
  const row = await clientOf(db).branchPolicy.findUniqueOrThrow({
    where: { branchId_revision: { branchId: id, revision } },
  });
  return policyRevision(name, row);
}

export interface PolicyChange {
  readonly policy: BranchPolicy;
  /** Id of the API key. */
  readonly changed_by: string | null;
  readonly reason: string;
  readonly if_revision?: number | undefined;
}

/**
 * Changes the policy of a branch and writes down who did. Jobs that are under way are judged by the policy they began with, but none
 * is committed without the approval that the new one asks for. `unknown_branch`, `stale_policy`.
 */
export async function setPolicy(
  db: Lineage,
  modelId: string,
  branch: string,
  { policy, changed_by, reason, if_revision }: PolicyChange,
): Promise<PolicyRevision> {
  return db.prisma.$transaction(async (tx) => {
    const { id } = await findBranch(tx, modelId, branch);
    // Commits wait, and the one that is under way is waited for.
    await tx.$queryRaw`SELECT id FROM lanes WHERE id = ${branchLane(id)} FOR NO KEY UPDATE`;
    await tx.$queryRaw`SELECT id FROM branches WHERE id = ${id} FOR NO KEY UPDATE`;
    const { name, policyRevision: now } = await findBranch(tx, modelId, branch);
    if (if_revision !== undefined && if_revision !== now) {
      throw new ErrataError(
        'stale_policy',
        `the policy of ${JSON.stringify(name)} is at revision ${now}, not ${if_revision}`,
        {
          details: { revision: now, if_revision },
        },
      );
    }
    const revision = now + 1;
    await tx.branch.update({ where: { id }, data: { ...policyColumns(policy), policyRevision: revision } });
    const row = await tx.branchPolicy.create({
      data: { branchId: id, revision, policy: asJson(policy), changedBy: changed_by, reason },
    });
    await noteAct(tx, {
      act: 'policy.changed',
      subject: id,
      model: modelId,
      details: { revision, policy: sha256(canonicalJson(policy)) },
      by: changed_by,
    });
    return policyRevision(name, row);
  });
}

/** Every policy that a branch has had, the latest first. The cursor is a revision. `unknown_branch`. */
export async function listPolicies(
  db: Db,
  modelId: string,
  branch: string,
  page: PageRequest = {},
): Promise<Page<PolicyRevision>> {
  const limit = page.limit ?? 20;
  const { id, name } = await findBranch(db, modelId, branch);
  const rows = await clientOf(db).branchPolicy.findMany({
    where: { branchId: id, ...(page.after === undefined ? {} : { revision: { lt: numericCursor(page.after) } }) },
    orderBy: { revision: 'desc' },
    take: limit + 1,
  });
  return pageOf(
    rows,
    limit,
    ({ revision }) => String(revision),
    (row) => policyRevision(name, row),
  );
}

/** Its gate is read as that of a branch is, what it may hold of another build included. */
function policyOf({ branchId, revision, policy }: PolicyRow): BranchPolicy {
  const what = `policy ${revision} of ${branchId}`;
  const { gate, ...rest } = readStored(storedPolicySchema, policy, what);
  return { ...rest, gate: readGate(gate) };
}

const storedPolicySchema = branchPolicySchema.extend({
  gate: z.unknown(),
  // As a branch's: what another build asked for besides is at least this.
  approval: branchPolicySchema.shape.approval.catch('required'),
  auto_rollback: branchPolicySchema.shape.auto_rollback.catch('off'),
});

const policyRevision = (branch: string, row: PolicyRow): PolicyRevision => ({
  object: 'branch_policy',
  branch,
  revision: row.revision,
  ...policyOf(row),
  changed_by: row.changedBy,
  reason: row.reason,
  created_at: row.createdAt.toISOString(),
});
