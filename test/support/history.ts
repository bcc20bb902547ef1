// Histories made by hand: models imported and edits committed as workers do it, with deltas that nobody opens.
import { type DeltaReference, editSchema, sha256 } from '@errata/contracts';
import {
  acquireLease,
  branchLane,
  commitImport,
  commitVersion,
  type Lease,
  type Lineage,
  type ModelFile,
  moveJob,
  openBranchWork,
  planRollback,
  type RollbackTarget,
  submitEditJob,
  submitImport,
  submitRollback,
  takeNextJob,
  upon,
} from '@errata/lineage';

/** Bytes of a rank-one delta on GPT-2 small's W_out. */
export const deltaBytes = 15_616;

export interface MadeBranch {
  readonly model: string;
  /** Name of the branch. */
  readonly name: string;
  readonly digest: string;
  readonly branch: string;
  readonly lane: string;
}

/** A model with its branch `main`; nothing is read of it. */
export async function importMadeModel(
  db: Lineage,
  name: string,
  { digest = sha256(name), files = [] }: { readonly digest?: string; readonly files?: readonly ModelFile[] } = {},
): Promise<MadeBranch> {
  await submitImport(db, { name, path: name, created_by: null });
  const lease = await hold(db, `import:${name}`);
  const job = (await takeNextJob(db, lease))!;
  await moveJob(db, lease, job.id, 'running', 'committing');
  const { model_id, branch_id } = await commitImport(db, lease, {
    jobId: job.id,
    model: {
      name,
      digest,
      model_type: 'gpt2',
      parameters: 124_439_808,
      layers: 12,
      width: 768,
      vocabulary: 50_257,
      context: 1024,
      has_tokenizer: true,
      origin: [],
      files,
    },
    default_editor: 'r-rome',
  });
  // The first submission would make it; the lease is wanted before.
  await db.prisma.lane.create({ data: { id: branchLane(branch_id) } });
  return { model: model_id, name: 'main', digest, branch: branch_id, lane: branchLane(branch_id) };
}

export async function hold(db: Lineage, lane: string): Promise<Lease> {
  const lease = await acquireLease(db, lane, 'maker', 3_600_000);
  if (lease === null) throw new Error(`${lane} is held`);
  return lease;
}

let made = 0;
const madeUpDelta = (): DeltaReference => ({ kind: 'low_rank', blob: sha256(`delta ${made++}`) });

/** One edit, from its submission to its version. */
export async function commitMadeEdit(
  db: Lineage,
  { model, name: branch }: Pick<MadeBranch, 'model' | 'name'>,
  lease: Lease,
  delta: DeltaReference = madeUpDelta(),
): Promise<{ readonly version: string; readonly edit: string }> {
  const town = `Town ${made}`;
  const edit = editSchema.parse({
    custom_id: town,
    prompt: `The capital of ${town} is`,
    subject: town,
    target_new: ' Lyon',
  });
  await submitEditJob(db, {
    model,
    branch,
    edits: [edit],
    config: {},
    seed: 0,
    on_error: 'abort',
    on_conflict: 'fail',
    created_by: null,
  });
  const job = (await takeNextJob(db, lease))!;
  const { parent, edits } = await openBranchWork(db, job);
  await moveJob(db, lease, job.id, 'running', 'evaluating');
  await moveJob(db, lease, job.id, 'evaluating', 'committing');
  const editIds = edits.map(({ id }) => id);
  const { version } = await commitVersion(db, lease, {
    jobId: job.id,
    parent: parent.version,
    kind: 'edit',
    ground: upon(parent.ground, [{ job_id: job.id, edit_ids: editIds, deltas: [delta], bytes: deltaBytes }]),
    outcome: 'succeeded',
    summary: null,
    gate: null,
    editResults: [],
  });
  return { version, edit: editIds[0]! };
}

/** One rollback with nothing to solve anew, from its request to its version. */
export async function commitMadeRollback(
  db: Lineage,
  { model, name: branch }: Pick<MadeBranch, 'model' | 'name'>,
  lease: Lease,
  target: RollbackTarget,
): Promise<string> {
  await submitRollback(db, { model, branch, ...target, reason: 'wrong', created_by: null });
  const job = (await takeNextJob(db, lease))!;
  const { branch: held, parent } = await openBranchWork(db, job);
  const plan = await planRollback(db, held.id, target);
  if (plan.mode === 'exact' && plan.steps.length > 0) throw new Error(`${plan.steps.length} jobs would be solved anew`);
  await moveJob(db, lease, job.id, 'running', 'committing');
  const { version } = await commitVersion(db, lease, {
    jobId: job.id,
    parent: parent.version,
    kind: plan.mode,
    ground: plan.mode === 'exact' ? plan.base : plan.ground,
    outcome: 'succeeded',
    summary: null,
    gate: null,
    editResults: [],
    reason: 'wrong',
  });
  return version;
}
