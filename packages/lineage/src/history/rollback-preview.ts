// What a rollback would do, told before anybody asks for it.
import { type EditMention, ErrataError, type RollbackPlanResource, versionId } from '@errata/contracts';
import type { Db } from '../database/client.ts';
import { editsById } from '../jobs/edits.ts';
import { findBranch } from '../names/branches.ts';
import { requireStart } from '../policies/guard.ts';
import { linksOfEdits } from './contributions.ts';
import { planRollback, type RollbackPlan, type RollbackTarget, wholeTarget } from './rollback-plan.ts';

/** Edits that are named; all are counted. */
const named = 50;

/**
 * Plans a rollback against the branch's present head and changes nothing. Errors as of submitting it, but for edits that cannot be
 * subtracted apart, which the answer tells: `invalid_request`, `unknown_branch`, `unknown_version`, `unknown_edit`, `protected_branch`.
 */
export async function previewRollback(
  db: Db,
  modelId: string,
  request: RollbackTarget & { readonly branch: string },
): Promise<RollbackPlanResource> {
  const branch = await findBranch(db, modelId, request.branch);
  const { mode } = request;
  requireStart(branch, mode, false);
  const target = await wholeTarget(db, modelId, request);
  const plan = await planRollback(db, branch.id, target).catch(async (error: unknown) => {
    if (!(error instanceof ErrataError) || error.code !== 'inseparable_edits') throw error;
    // Which edits are meant is the same in both ways.
    return planRollback(db, branch.id, { ...target, mode: 'exact' });
  });
  const ids = plan.mode === 'reset' ? [] : plan.reverted;
  const links = await linksOfEdits(db, branch.tipId, ids);
  const kinds = new Map<string, number>();
  for (const { kind } of links.flatMap(({ deltas }) => deltas)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const going = new Set(ids);
  const shared = new Set(links.flatMap(({ edit_ids }) => edit_ids.filter((id) => !going.has(id))));
  const stored = await editsById(db, ids.slice(0, named));
  return {
    object: 'rollback_plan',
    mode,
    branch: branch.name,
    parent_version_id: branch.headVersionId,
    edit_count: ids.length,
    edits: ids.slice(0, named).map((id): EditMention => {
      const { custom_id, prompt, subject, target_new } = stored.get(id)!.edit;
      return { id, custom_id, prompt, subject: subject ?? null, target_new };
    }),
    deltas: [...kinds].map(([kind, count]) => ({ kind, count })),
    shared_with: shared.size,
    replays: mode === 'exact' && plan.mode === 'exact' ? { jobs: plan.steps.length, edits: editsOf(plan) } : null,
    version_id: plan.mode === mode ? endOf(plan) : null,
  };
}

const editsOf = ({ steps }: Extract<RollbackPlan, { mode: 'exact' }>): number =>
  steps.reduce((sum, { edits }) => sum + edits.length, 0);

function endOf(plan: RollbackPlan): string | null {
  switch (plan.mode) {
    case 'reset':
      return plan.version;
    case 'subtract':
      return versionId(plan.ground.source);
    case 'exact':
      return plan.steps.length === 0 ? versionId(plan.base.source) : null;
  }
}
