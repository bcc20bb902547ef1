// Planning a rollback: which contributions stay, which requests must be replayed. Plain data; the worker carries it out.
import { ErrataError, type RollbackMode } from '@errata/contracts';
import { clientOf, type Db } from './client.ts';
import { type Contribution, readChain } from './contributions.ts';
import { editsById, type StoredEdit } from './edits.ts';

/** What to go back to, or what to take out. */
export interface RollbackTarget {
  readonly mode: RollbackMode;
  /** `reset` only: a full version id from the branch's history. */
  readonly to_version?: string | undefined;
  /** `exact` and `subtract`: edits that are active at the head ... */
  readonly revert_edit_ids?: readonly string[] | undefined;
  /** ... or versions, standing for all edits of the jobs that led to them. */
  readonly revert_version_ids?: readonly string[] | undefined;
}

/** Edits to be applied again as their job applied them. */
export interface ReplayStep {
  readonly job_id: string;
  /** The job's input: editor, config, seed, on_error. */
  readonly input: Readonly<Record<string, unknown>>;
  /** What the job's run left besides its version: resolved settings. */
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly edits: readonly StoredEdit[];
}

export type RollbackPlan =
  /** Move the head to a version it had before. */
  | { readonly mode: 'reset'; readonly version: string; readonly contributions: readonly Contribution[] }
  /** Drop contributions and keep the rest as it is: an approximation, since later ones were computed with them present. */
  | { readonly mode: 'subtract'; readonly contributions: readonly Contribution[]; readonly reverted: readonly string[] }
  /** Start from `base` and replay the steps in order. */
  | {
      readonly mode: 'exact';
      readonly base: readonly Contribution[];
      readonly steps: readonly ReplayStep[];
      readonly reverted: readonly string[];
    };

/**
 * Plans a rollback against the branch's present head.
 * `invalid_request` when the mode and its target do not fit; `unknown_version` when it is not in the branch's history;
 * `unknown_edit` when an edit is not active; `inseparable_edits` when `subtract` would have to split a contribution.
 */
export async function planRollback(db: Db, branchId: string, target: RollbackTarget): Promise<RollbackPlan> {
  checkShape(target);
  if (target.to_version !== undefined) return planReset(db, branchId, target.to_version);
  const branch = await clientOf(db).branch.findUniqueOrThrow({ where: { id: branchId } });
  const active = await readChain(db, branch.tipId);
  const reverted = await editsToRevert(db, branch.modelId, active, target);
  return target.mode === 'subtract' ? planSubtract(active, reverted) : planExact(db, active, reverted);
}

function checkShape(target: RollbackTarget): void {
  const given = (['to_version', 'revert_edit_ids', 'revert_version_ids'] as const).filter(
    (field) => target[field] !== undefined,
  );
  const wanted = target.mode === 'reset' ? ['to_version'] : ['revert_edit_ids', 'revert_version_ids'];
  if (given.length === 1 && wanted.includes(given[0]!)) return;
  const message = `mode ${target.mode} takes ${wanted.join(' or ')}, and nothing else`;
  const field = given.find((name) => !wanted.includes(name)) ?? wanted[0]!;
  throw new ErrataError('invalid_request', message, {
    errors: [{ code: 'invalid_request', field, pointer: `/${field}`, message }],
  });
}

async function planReset(db: Db, branchId: string, version: string): Promise<RollbackPlan> {
  const move = await clientOf(db).branchMove.findFirst({
    where: { branchId, toVersionId: version },
    orderBy: { sequence: 'desc' },
  });
  if (move === null) {
    throw new ErrataError('unknown_version', `${version} is not in the history of this branch`, {
      details: { version },
    });
  }
  return { mode: 'reset', version, contributions: await readChain(db, move.tipId) };
}

async function editsToRevert(
  db: Db,
  modelId: string,
  active: readonly Contribution[],
  target: RollbackTarget,
): Promise<ReadonlySet<string>> {
  const activeIds = new Set(active.flatMap(({ edit_ids }) => edit_ids));
  const chosen = new Set<string>();
  for (const [index, id] of (target.revert_edit_ids ?? []).entries()) {
    if (!activeIds.has(id))
      throw unknownEdit(`edit ${JSON.stringify(id)} is not active on the branch`, `/revert_edit_ids/${index}`);
    chosen.add(id);
  }
  for (const [index, version] of (target.revert_version_ids ?? []).entries()) {
    const jobs = await clientOf(db).job.findMany({
      where: { modelId, kind: 'edit', versionId: version },
      select: { id: true },
    });
    const rows = await clientOf(db).edit.findMany({
      where: { jobId: { in: jobs.map(({ id }) => id) } },
      select: { id: true },
    });
    const found = rows.filter(({ id }) => activeIds.has(id));
    if (found.length === 0)
      throw unknownEdit(`no edit of ${version} is active on the branch`, `/revert_version_ids/${index}`);
    for (const { id } of found) chosen.add(id);
  }
  return chosen;
}

function unknownEdit(message: string, pointer: string): ErrataError {
  return new ErrataError('unknown_edit', message, { errors: [{ code: 'unknown_edit', pointer, message }] });
}

function planSubtract(active: readonly Contribution[], reverted: ReadonlySet<string>): RollbackPlan {
  for (const { edit_ids } of active) {
    const kept = edit_ids.filter((id) => !reverted.has(id));
    if (kept.length === 0 || kept.length === edit_ids.length) continue;
    const message = `the edits to revert share deltas with ${kept.length} others (${kept.slice(0, 5).join(', ')}${kept.length > 5 ? ', ...' : ''}); revert all of them, or use mode exact`;
    throw new ErrataError('inseparable_edits', message, { details: { shared_with: kept } });
  }
  const contributions = active.filter(({ edit_ids }) => !edit_ids.some((id) => reverted.has(id)));
  return { mode: 'subtract', contributions, reverted: [...reverted] };
}

/**
 * The result must be what the branch would hold had the reverted edits never been asked for. So whole jobs are replayed, from the
 * first one affected: what an editor samples once a batch depends on the model at the batch's beginning, not at the edit.
 */
async function planExact(
  db: Db,
  active: readonly Contribution[],
  reverted: ReadonlySet<string>,
): Promise<RollbackPlan> {
  const edits = await editsById(db, [...new Set(active.flatMap(({ edit_ids }) => edit_ids))]);
  const jobOf = (id: string) => edits.get(id)!.job_id;
  const affected = new Set([...reverted].map(jobOf));
  const first = active.findIndex(({ edit_ids }) => edit_ids.some((id) => affected.has(jobOf(id))));
  const base = active.slice(0, first);

  const byJob = new Map<string, StoredEdit[]>();
  const later = new Set(active.slice(first).flatMap(({ edit_ids }) => edit_ids));
  for (const id of later) {
    if (reverted.has(id)) continue;
    const edit = edits.get(id)!;
    byJob.set(edit.job_id, [...(byJob.get(edit.job_id) ?? []), edit]);
  }
  const jobs = await clientOf(db).job.findMany({ where: { id: { in: [...byJob.keys()] } } });
  const steps = [...byJob].map(([job_id, stepEdits]): ReplayStep => {
    const job = jobs.find(({ id }) => id === job_id)!;
    return {
      job_id,
      input: job.input as Record<string, unknown>,
      result: job.result as Record<string, unknown> | null,
      edits: stepEdits.sort((a, b) => a.position - b.position),
    };
  });
  return { mode: 'exact', base, steps, reverted: [...reverted] };
}

/** What it takes to apply some edits of a job anew as that job applied them, and the version that the job made. */
export async function replayOf(
  db: Db,
  jobId: string,
  edits: readonly StoredEdit[],
): Promise<ReplayStep & { readonly version_id: string | null }> {
  const job = await clientOf(db).job.findUniqueOrThrow({ where: { id: jobId } });
  return {
    job_id: jobId,
    input: job.input as Record<string, unknown>,
    result: job.result as Record<string, unknown> | null,
    edits: [...edits].sort((a, b) => a.position - b.position),
    version_id: job.versionId,
  };
}
