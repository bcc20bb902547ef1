// What the tests of this package share: a database with the schema, an imported model, and jobs driven through their states by hand.
import { type Edit, type EditResult, editSchema, type GateVerdict, sha256 } from '@errata/contracts';
import { createTestDatabase } from '../../../test/support/database.ts';
import {
  acquireLease,
  branchLane,
  type CommittedVersion,
  type Contribution,
  commitImport,
  commitVersion,
  getBranch,
  type Lease,
  type Lineage,
  type MoveKind,
  migrate,
  moveJob,
  openBranchWork,
  openLineage,
  releaseLease,
  submitEditJob,
  submitImport,
  type TakenJob,
  takeNextJob,
} from './index.ts';

export interface LineageFixture {
  readonly db: Lineage;
  readonly url: string;
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export async function openFixture(): Promise<LineageFixture> {
  const database = await createTestDatabase();
  await migrate(database.url);
  const db = await openLineage(database.url);
  return {
    db,
    url: database.url,
    query: database.query,
    close: async () => {
      await db.close();
      await database.drop();
    },
  };
}

export const gatePassed: GateVerdict = { passed: true, findings: [] };

export const madeEdit = (customId: string, fields: Partial<Edit> = {}): Edit =>
  editSchema.parse({
    custom_id: customId,
    prompt: `The capital of ${customId} is`,
    subject: customId,
    target_new: ' Lyon',
    ...fields,
  });

/** Imports a model through its job; answers with the ids of the model and of its branch `main`. */
export async function importModel(
  db: Lineage,
  name: string,
): Promise<{ model: string; branch: string; root: string; lane: string }> {
  const job = await submitImport(db, { name, path: `models/${name}`, created_by: null });
  const { lease, taken } = await take(db, `import:${name}`);
  if (taken.id !== job.id) throw new Error('took another job');
  await moveJob(db, lease, job.id, 'running', 'committing');
  const digest = sha256(name);
  const committed = await commitImport(db, lease, {
    jobId: job.id,
    model: {
      name,
      digest,
      model_type: 'gpt2',
      parameters: 1_000_000,
      layers: 2,
      width: 8,
      vocabulary: 50,
      context: 32,
      has_tokenizer: true,
      files: [{ path: 'model.safetensors', blob: sha256(`${name} weights`), bytes: 4_000_000 }],
    },
  });
  await releaseLease(db, lease);
  return {
    model: committed.model_id,
    branch: committed.branch_id,
    root: committed.version,
    lane: branchLane(committed.branch_id),
  };
}

export const submitEdits = (
  db: Lineage,
  model: string,
  edits: readonly Edit[],
  more: { parent?: string; branch?: string } = {},
) =>
  submitEditJob(db, {
    model,
    branch: more.branch ?? 'main',
    edits,
    config: {},
    seed: 0,
    on_error: 'abort',
    on_conflict: 'fail',
    created_by: null,
    ...(more.parent === undefined ? {} : { parent_version_id: more.parent }),
  });

let holders = 0;

/** Takes the lane and its next job. */
export async function take(db: Lineage, lane: string, ttlMs = 60_000): Promise<{ lease: Lease; taken: TakenJob }> {
  holders += 1;
  const lease = await acquireLease(db, lane, `holder-${holders}`, ttlMs);
  if (lease === null) throw new Error(`${lane} is held`);
  const taken = await takeNextJob(db, lease);
  if (taken === null) throw new Error(`${lane} has no work`);
  return { lease, taken };
}

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
    contributions: [
      ...parent.contributions,
      ...groups.map((group) => madeContribution(taken.id, group, parent.version)),
    ],
    outcome: 'succeeded',
    summary: null,
    gate: gatePassed,
    editResults: edits.map(({ edit }) => madeResult(edit.custom_id)),
  });
}

/** Submits edits and carries the job out. */
export async function edit(
  db: Lineage,
  imported: { model: string; lane: string },
  customIds: readonly string[],
  more: { batched?: boolean } = {},
): Promise<CommittedVersion & { job: string; edits: readonly string[] }> {
  await submitEdits(
    db,
    imported.model,
    customIds.map((id) => madeEdit(id)),
  );
  const { lease, taken } = await take(db, imported.lane);
  await toCommitting(db, lease, taken.id);
  const committed = await commitEdits(db, lease, taken, more);
  await releaseLease(db, lease);
  const { edits } = await openBranchWork(db, taken);
  return { ...committed, job: taken.id, edits: edits.map(({ id }) => id) };
}

export const headOf = async (db: Lineage, model: string, branch = 'main'): Promise<string> =>
  (await getBranch(db, model, branch)).head;
