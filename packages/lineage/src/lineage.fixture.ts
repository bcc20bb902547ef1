// What the tests of this package share: a database with the schema, an imported model, and jobs driven through their states by hand.
import { type Edit, editSchema, type Priority, sha256 } from '@errata/contracts';
import { createTestDatabase } from '../../../test/support/database.ts';
import {
  acquireLease,
  branchLane,
  type CommittedVersion,
  commitImport,
  getBranch,
  type ImportedModel,
  type Lease,
  type Lineage,
  migrate,
  moveJob,
  openBranchWork,
  openLineage,
  releaseLease,
  submitEditJob,
  submitImport,
  type TakenJob,
  takeNextJob,
  waitingLanes,
} from './index.ts';
import { commitEdits, toCommitting } from './job-steps.fixture.ts';

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

/** The lanes that wait, in the order of their turns. */
export const waitingIds = async (db: Lineage): Promise<readonly string[]> =>
  (await waitingLanes(db)).map(({ lane }) => lane);

export const madeEdit = (customId: string, fields: Partial<Edit> = {}): Edit =>
  editSchema.parse({
    custom_id: customId,
    prompt: `The capital of ${customId} is`,
    subject: customId,
    target_new: ' Lyon',
    ...fields,
  });

export const madeModel = (name: string): ImportedModel => ({
  name,
  digest: sha256(name),
  model_type: 'gpt2',
  parameters: 1_000_000,
  layers: 2,
  width: 8,
  vocabulary: 50,
  context: 32,
  has_tokenizer: true,
  origin: [],
  files: [{ path: 'model.safetensors', blob: sha256(`${name} weights`), bytes: 4_000_000 }],
});

/** Imports a model through its job; answers with the ids of the model and of its branch `main`. */
export async function importModel(
  db: Lineage,
  name: string,
): Promise<{ model: string; branch: string; root: string; lane: string }> {
  await submitImport(db, { name, path: `models/${name}`, created_by: null });
  const { lease, taken } = await take(db, `import:${name}`);
  await moveJob(db, lease, taken.id, 'running', 'committing');
  const committed = await commitImport(db, lease, {
    jobId: taken.id,
    model: madeModel(name),
    default_editor: 'r-rome',
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
  more: { readonly parent?: string; readonly branch?: string; readonly priority?: Priority } = {},
) =>
  submitEditJob(db, {
    model,
    priority: more.priority,
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

/** Submits edits and carries the job out. */
export async function edit(
  db: Lineage,
  imported: { model: string; lane: string },
  customIds: readonly string[],
  more: { batched?: boolean; branch?: string } = {},
): Promise<CommittedVersion & { job: string; edits: readonly string[] }> {
  await submitEdits(
    db,
    imported.model,
    customIds.map((id) => madeEdit(id)),
    more,
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

export * from './job-steps.fixture.ts';
