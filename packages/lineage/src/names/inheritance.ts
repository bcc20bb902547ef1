// What a name has stood for, and what that asks of whoever gives it again; what a new branch takes over from where it begins.
import { type BranchPolicy, canonicalJson, type Need } from '@errata/contracts';
import type { Tx } from '../database/client.ts';
import type { Branch as BranchRow } from '../generated/client.ts';
import type { Reference } from './references.ts';

/** A policy with its gate as it is stored, so that what this build does not understand of one is handed on with the rest. */
export type StoredPolicy = Omit<BranchPolicy, 'gate'> & { readonly gate: unknown };

export const storedPolicy = (row: BranchRow): StoredPolicy => ({
  gate: row.gate,
  approval: approvalOf(row),
  approval_hours: row.approvalHours,
  auto_rollback: autoRollbackOf(row),
  protected: row.protected,
});

/** Whatever another build may have asked for besides, nothing passes without a person. */
export const approvalOf = ({ approval }: Pick<BranchRow, 'approval'>): BranchPolicy['approval'] =>
  approval === 'none' ? 'none' : 'required';

export const autoRollbackOf = ({ autoRollback }: Pick<BranchRow, 'autoRollback'>): BranchPolicy['auto_rollback'] =>
  autoRollback === 'reset' ? 'reset' : 'off';

/**
 * The policy that a branch begins with: that of the branch it is made from. A version, an alias or a tag is of the branches that have
 * been there: of those, one that is protected goes before one that asks for approvals, these before others; then one that is there
 * before one that was deleted, then the oldest.
 */
export async function inheritedPolicy(
  tx: Tx,
  modelId: string,
  { kind, name, version }: Pick<Reference, 'kind' | 'name' | 'version'>,
): Promise<StoredPolicy> {
  if (kind === 'branch')
    return storedPolicy(await tx.branch.findFirstOrThrow({ where: { modelId, name, deletedAt: null } }));
  const [source] = await tx.$queryRaw<[{ id: string }]>`
    SELECT branches.id FROM branches
    WHERE branches.model_id = ${modelId} AND EXISTS (
      SELECT FROM branch_moves WHERE branch_id = branches.id AND model_id = ${modelId} AND to_version_id = ${version})
    ORDER BY protected DESC, approval <> 'none' DESC, deleted_at IS NULL DESC, created_at, branches.id LIMIT 1`;
  return storedPolicy(await tx.branch.findUniqueOrThrow({ where: { id: source.id } }));
}

/**
 * What giving a name asks for besides what its kind does, from what has stood under it and was deleted: to give the name of a branch
 * to another is a reset of what the name serves, under a policy of its own where the two differ; and a name that aliases or tags
 * had is moved by who may move those. The name is claimed already.
 */
export async function needsOfName(
  tx: Tx,
  modelId: string,
  name: string,
  given: { readonly kind: 'alias' | 'tag' } | { readonly kind: 'branch'; readonly policy: StoredPolicy },
): Promise<readonly Need[]> {
  const needs: Need[] = [];
  const earlier = await tx.branch.findFirst({
    where: { modelId, name, deletedAt: { not: null } },
    orderBy: { deletedAt: 'desc' },
  });
  const quoted = JSON.stringify(name);
  if (earlier !== null) {
    if (given.kind !== 'branch')
      needs.push({
        scope: 'admin',
        why: ` to name ${given.kind === 'alias' ? 'an alias' : 'a tag'} as a branch was, ${quoted}`,
      });
    else if (canonicalJson(given.policy) !== canonicalJson(storedPolicy(earlier)))
      needs.push({ scope: 'admin', why: `, since the branch that was ${quoted} had another policy` });
    else
      needs.push({ scope: 'versions:rollback', why: ` to put another branch in the place of one that was ${quoted}` });
  }
  if (given.kind === 'branch' && (await wasServed(tx, modelId, name)))
    needs.push({ scope: 'aliases:write', why: ` to name a branch as an alias or a tag was, ${quoted}` });
  return needs;
}

/** Whether an alias or a tag of this name was deleted. */
async function wasServed(tx: Tx, modelId: string, name: string): Promise<boolean> {
  const where = { modelId, name, deletedAt: { not: null } };
  return (await tx.alias.count({ where })) + (await tx.tag.count({ where })) > 0;
}
