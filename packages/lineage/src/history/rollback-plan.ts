// Planning a rollback: which contributions stay, which requests must be replayed. Plain data; the worker carries it out.
import { ErrataError, type RollbackMode } from '@errata/contracts';
import { clientOf, type Db } from '../database/client.ts';
import { readRecord } from '../database/stored.ts';
import { editsById, type StoredEdit } from '../jobs/edits.ts';
import { requireNoErased } from '../upkeep/erase.ts';
import { beforeJobOf, type Ground, groundAt, type Link, linksOfEdits, readChain, upon } from './contributions.ts';
import { findVersion } from './versions.ts';

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

/** A target whose versions are whole ids, of what a caller may have named by the beginnings of ids. `unknown_version`. */
export async function wholeTarget(db: Db, modelId: string, given: RollbackTarget): Promise<RollbackTarget> {
  const { mode, to_version, revert_edit_ids, revert_version_ids } = given;
  const fullId = async (prefix: string) => (await findVersion(db, prefix, modelId)).id;
  const versions: string[] = [];
  for (const prefix of revert_version_ids ?? []) versions.push(await fullId(prefix));
  return {
    mode,
    ...(to_version === undefined ? {} : { to_version: await fullId(to_version) }),
    ...(revert_edit_ids === undefined ? {} : { revert_edit_ids }),
    ...(revert_version_ids === undefined ? {} : { revert_version_ids: versions }),
  };
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
  | { readonly mode: 'reset'; readonly version: string; readonly ground: Ground }
  /** Drop contributions and keep the rest as it is: an approximation, since later ones were computed with them present. */
  | { readonly mode: 'subtract'; readonly ground: Ground; readonly reverted: readonly string[] }
  /** Start from `base` and replay the steps in order. */
  | {
      readonly mode: 'exact';
      readonly base: Ground;
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
  const branch = await clientOf(db).branch.findUniqueOrThrow({ where: { id: branchId }, include: { model: true } });
  if (target.to_version !== undefined) return planReset(db, branch, target.to_version);
  const reverted = await editsToRevert(db, branch, target);
  return target.mode === 'subtract' ? planSubtract(db, branch, reverted) : planExact(db, branch, reverted);
}

/** The branch that a rollback is planned for. */
interface Planned {
  readonly id: string;
  readonly modelId: string;
  readonly tipId: string | null;
  readonly model: { readonly digest: string };
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

async function planReset(db: Db, { id, modelId, model }: Planned, version: string): Promise<RollbackPlan> {
  const move = await clientOf(db).branchMove.findFirst({
    where: { branchId: id, toVersionId: version },
    orderBy: { sequence: 'desc' },
  });
  if (move === null) {
    throw new ErrataError('unknown_version', `${version} is not in the history of this branch`, {
      details: { version },
    });
  }
  await requireNoErased(db, modelId, move.tipId);
  return { mode: 'reset', version, ground: await groundAt(db, model.digest, move.tipId) };
}

/** The edits that are asked for, each by the link through which it acts, in the order of the chain. */
interface Reverted {
  readonly ids: ReadonlySet<string>;
  readonly links: readonly [Link, ...Link[]];
}

async function editsToRevert(db: Db, { modelId, tipId }: Planned, target: RollbackTarget): Promise<Reverted> {
  const wanted = [...(target.revert_edit_ids ?? [])];
  const links = [...(await linksOfEdits(db, tipId, wanted))];
  const active = new Set(links.flatMap(({ edit_ids }) => edit_ids));
  for (const [index, id] of wanted.entries()) {
    if (active.has(id)) continue;
    throw unknownEdit(`edit ${JSON.stringify(id)} is not active on the branch`, `/revert_edit_ids/${index}`);
  }
  const ids = new Set(wanted);
  for (const [index, version] of (target.revert_version_ids ?? []).entries()) {
    const rows = await clientOf(db).edit.findMany({
      where: { job: { kind: 'edit', move: { modelId, toVersionId: version } } },
      select: { id: true },
    });
    const asked = new Set(rows.map(({ id }) => id));
    const found = await linksOfEdits(db, tipId, [...asked]);
    if (found.length === 0)
      throw unknownEdit(`no edit of ${version} is active on the branch`, `/revert_version_ids/${index}`);
    links.push(...found);
    for (const id of found.flatMap(({ edit_ids }) => edit_ids)) if (asked.has(id)) ids.add(id);
  }
  const [first, ...rest] = [...new Map(links.map((link) => [link.id, link])).values()].sort(
    (a, b) => a.depth - b.depth,
  );
  return { ids, links: [first!, ...rest] };
}

function unknownEdit(message: string, pointer: string): ErrataError {
  return new ErrataError('unknown_edit', message, { errors: [{ code: 'unknown_edit', pointer, message }] });
}

async function planSubtract(db: Db, branch: Planned, { ids, links }: Reverted): Promise<RollbackPlan> {
  for (const { edit_ids } of links) {
    const kept = edit_ids.filter((id) => !ids.has(id));
    if (kept.length === 0) continue;
    const message = `the edits to revert share deltas with ${kept.length} others (${kept.slice(0, 5).join(', ')}${kept.length > 5 ? ', ...' : ''}); revert all of them, or use mode exact`;
    throw new ErrataError('inseparable_edits', message, { details: { shared_with: kept } });
  }
  const dropped = new Set(links.map(({ id }) => id));
  const before = links[0].previous;
  const later = await readChain(db, branch.tipId, before);
  const ground = upon(
    await groundAt(db, branch.model.digest, before),
    later.filter(({ id }) => !dropped.has(id)),
  );
  return { mode: 'subtract', ground, reverted: [...ids] };
}

/**
 * The result must be what the branch would hold had the reverted edits never been asked for. So whole jobs are replayed, from the
 * first one affected: what an editor samples once a batch depends on the model at the batch's beginning, not at the edit.
 */
async function planExact(db: Db, branch: Planned, { ids, links }: Reverted): Promise<RollbackPlan> {
  const before = await beforeJobOf(db, links[0]);
  const later = await readChain(db, branch.tipId, before);
  const edits = await editsById(db, [...new Set(later.flatMap(({ edit_ids }) => edit_ids))]);

  const byJob = new Map<string, StoredEdit[]>();
  for (const id of later.flatMap(({ edit_ids }) => edit_ids)) {
    if (ids.has(id)) continue;
    const edit = edits.get(id)!;
    const others = byJob.get(edit.job_id);
    if (others === undefined) byJob.set(edit.job_id, [edit]);
    else others.push(edit);
  }
  const rows = await clientOf(db).job.findMany({ where: { id: { in: [...byJob.keys()] } } });
  const jobs = new Map(rows.map((row) => [row.id, row]));
  const steps = [...byJob].map(([job_id, stepEdits]): ReplayStep => {
    const job = jobs.get(job_id)!;
    return {
      job_id,
      input: readRecord(job.input, `the input of ${job.id}`),
      result: job.result === null ? null : readRecord(job.result, `the result of ${job.id}`),
      edits: stepEdits.sort((a, b) => a.position - b.position),
    };
  });
  return { mode: 'exact', base: await groundAt(db, branch.model.digest, before), steps, reverted: [...ids] };
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
    input: readRecord(job.input, `the input of ${job.id}`),
    result: job.result === null ? null : readRecord(job.result, `the result of ${job.id}`),
    edits: [...edits].sort((a, b) => a.position - b.position),
    version_id: job.versionId,
  };
}
