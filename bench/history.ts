// A long history for benchmarks: a branch whose every version was committed as a worker commits it, with made-up deltas.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DeltaReference, editSchema, sha256, versionId } from '@errata/contracts';
import {
  acquireLease,
  branchLane,
  commitImport,
  commitVersion,
  groundAt,
  type Lease,
  type Lineage,
  migrate,
  moveJob,
  openBranchWork,
  openLineage,
  recordSnapshot,
  submitEditJob,
  submitImport,
  takeNextJob,
  upon,
} from '@errata/lineage';
import { startPostgres } from '@errata/local-services';

/** Bytes of a rank-one delta on GPT-2 small's W_out. */
export const deltaBytes = 15_616;

export interface BenchDatabase {
  readonly db: Lineage;
  query<T>(sql: string): Promise<T[]>;
  close(): Promise<void>;
}

/** A private database. It does not wait for the disk: what is measured is the work, and every figure has its peer in the same run. */
export async function openBenchDatabase(): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  await migrate(server.url);
  const db = await openLineage(server.url);
  return {
    db,
    query: (sql) => db.prisma.$queryRawUnsafe(sql),
    close: async () => {
      await db.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface BenchBranch {
  readonly model: string;
  readonly digest: string;
  readonly branch: string;
  readonly lane: string;
}

/** A model with its branch `main`; nothing is read of it. */
export async function importBenchModel(db: Lineage, name: string, digest = sha256(name)): Promise<BenchBranch> {
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
      files: [],
    },
  });
  // The first submission would make it; the lease is wanted before.
  await db.prisma.lane.create({ data: { id: branchLane(branch_id) } });
  return { model: model_id, digest, branch: branch_id, lane: branchLane(branch_id) };
}

export async function hold(db: Lineage, lane: string): Promise<Lease> {
  const lease = await acquireLease(db, lane, 'bench', 3_600_000);
  if (lease === null) throw new Error(`${lane} is held`);
  return lease;
}

let made = 0;
const madeUpDelta = (): DeltaReference => ({ kind: 'low_rank', blob: sha256(`delta ${made++}`) });

/** One edit, from its submission to its version. */
export async function commitEdit(
  db: Lineage,
  { model }: BenchBranch,
  lease: Lease,
  delta: DeltaReference = madeUpDelta(),
): Promise<{ readonly version: string; readonly edit: string }> {
  const name = `Town ${made}`;
  const edit = editSchema.parse({
    custom_id: name,
    prompt: `The capital of ${name} is`,
    subject: name,
    target_new: ' Lyon',
  });
  await submitEditJob(db, {
    model,
    branch: 'main',
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

/** Notes the head as stored whole, in a blob that nobody reads. */
export async function noteSnapshot(db: Lineage, { model, digest, branch }: BenchBranch): Promise<void> {
  const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch } });
  const version = versionId((await groundAt(db, digest, tipId)).source);
  const measured = { bytes: 9_437_184, replay_ms: 0, load_ms: 0 };
  await recordSnapshot(db, { model_id: model, tip: tipId!, version, blob: sha256(version), ...measured });
}
