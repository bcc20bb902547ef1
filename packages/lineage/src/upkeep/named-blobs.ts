// Every blob that anything names: what must be in the store, and what a collector must not touch.
import { type BlobUse, canMove, deltaReferenceSchema, isTerminal, jobStates, wordyDeltas } from '@errata/contracts';
import { z } from 'zod';
import { clientOf, type Db, type Lineage } from '../database/client.ts';
import { modelFileSchema } from '../models/models.ts';
import { wordlessLinks } from './erase.ts';

export interface NamedBlob {
  readonly blob: string;
  readonly use: BlobUse;
  /** Of a delta or an artefact its kind, where that is known. */
  readonly kind: string | null;
  /** What names it, for people: `model atlas, model.safetensors`. */
  readonly by: string;
  /** Null where nothing but its name is known of it. */
  readonly bytes: number | null;
  /** A snapshot can be dropped and made again; anything else is lost when it is lost. */
  readonly derived: boolean;
}

const rowsAtOnce = 1000;

/**
 * Files of models, deltas of every contribution there ever was, but for words that were erased (so of every version that a branch, an alias or a tag has been at,
 * whether it still is or was deleted), artefacts, snapshots, candidates that wait for an approval, what jobs recorded for replays, and
 * what streams of edits go on from.
 * A blob may come several times.
 */
export async function* namedBlobs(db: Db): AsyncGenerator<NamedBlob> {
  const client = clientOf(db);
  for (const { name, files } of await client.model.findMany({ orderBy: { id: 'asc' } })) {
    for (const { path, blob, bytes } of z.array(modelFileSchema).parse(files))
      yield { use: 'model', kind: null, blob, by: `model ${name}, ${path}`, bytes, derived: false };
  }
  const wordless = await wordlessLinks(db);
  yield* byId(
    (after) =>
      client.contribution.findMany({
        where: { id: { gt: after } },
        orderBy: { id: 'asc' },
        take: rowsAtOnce,
        select: { id: true, deltas: true },
      }),
    ({ id, deltas }) =>
      z
        .array(deltaReferenceSchema)
        .parse(deltas)
        .filter(({ kind }) => !(wordless.has(id) && wordyDeltas.includes(kind)))
        .map(({ kind, blob }) => ({
          use: 'delta',
          kind,
          blob,
          by: `${kind} delta of ${id}`,
          bytes: null,
          derived: false,
        })),
  );
  yield* byId(
    (after) => client.artefact.findMany({ where: { id: { gt: after } }, orderBy: { id: 'asc' }, take: rowsAtOnce }),
    ({ id, kind, blob, bytes }) => [
      { use: 'artefact', kind, blob, by: `artefact ${id}`, bytes: Number(bytes), derived: false },
    ],
  );
  for (const { versionId, blob, bytes } of await client.snapshot.findMany({ orderBy: { versionId: 'asc' } }))
    yield {
      use: 'snapshot',
      kind: null,
      blob,
      by: `snapshot of ${versionId}`,
      bytes: Number(bytes),
      derived: true,
    };
  for (const { jobId, added } of await client.candidate.findMany({ orderBy: { jobId: 'asc' } })) {
    const contributions = z.array(z.object({ deltas: z.array(deltaReferenceSchema) })).parse(added);
    for (const { kind, blob } of contributions.flatMap(({ deltas }) => deltas))
      yield { use: 'candidate', kind, blob, by: `candidate of ${jobId}`, bytes: null, derived: false };
  }
  yield* byId(
    (after) => client.$queryRaw<{ id: string; blobs: string[] }[]>`
      SELECT id, ARRAY(SELECT artefact->>'blob' FROM jsonb_array_elements(result->'artefacts') AS artefact) AS blobs
      FROM jobs WHERE id > ${after} AND kind = 'edit' AND jsonb_typeof(result->'artefacts') = 'array'
      ORDER BY id LIMIT ${rowsAtOnce}`,
    ({ id, blobs }) =>
      blobs.map((blob) => ({
        use: 'artefact',
        kind: null,
        blob,
        by: `artefact used by ${id}`,
        bytes: null,
        derived: false,
      })),
  );
  yield* deltasOfStreams(db);
}

/** States of an evaluation that goes on, or that a retry lets go on, from the blocks that it kept. */
const unfinished = jobStates.filter((state) => !isTerminal(state) || canMove(state, 'queued'));

async function* deltasOfStreams(db: Db): AsyncGenerator<NamedBlob> {
  for (let after = { job_id: '', position: -1 }; ; ) {
    const rows = await clientOf(db).$queryRaw<{ job_id: string; position: number; deltas: unknown }[]>`
      SELECT job_id, position, deltas FROM evaluation_blocks JOIN jobs ON jobs.id = job_id
      WHERE (job_id, position) > (${after.job_id}, ${after.position}) AND deltas <> '[]' AND state = ANY(${unfinished})
      ORDER BY job_id, position LIMIT ${rowsAtOnce}`;
    for (const { job_id, deltas } of rows) {
      for (const { kind, blob } of z.array(deltaReferenceSchema).parse(deltas))
        yield { use: 'evaluation', kind, blob, by: `stream of ${job_id}`, bytes: null, derived: false };
    }
    if (rows.length < rowsAtOnce) return;
    after = rows.at(-1)!;
  }
}

async function* byId<Row extends { readonly id: string }>(
  read: (after: string) => PromiseLike<readonly Row[]>,
  blobsOf: (row: Row) => readonly NamedBlob[],
): AsyncGenerator<NamedBlob> {
  for (let after = ''; ; ) {
    const rows = await read(after);
    for (const row of rows) yield* blobsOf(row);
    if (rows.length < rowsAtOnce) return;
    after = rows.at(-1)!.id;
  }
}

/**
 * When the oldest job that may hold blobs nobody names yet was begun; null when none is under way. What was put since may be named
 * at any moment. By the database's clock, as marks are.
 */
export async function oldestWork(db: Lineage): Promise<Date | null> {
  const [row] = await db.prisma.$queryRaw<{ oldest: Date | null }[]>`
    SELECT min(started_at) AS oldest FROM jobs
    WHERE state IN ('queued', 'running', 'evaluating', 'committing') AND kind NOT IN ('check', 'collection')`;
  return row?.oldest ?? null;
}

export interface Garbage {
  readonly blob: string;
  readonly bytes: number;
  /** When it was put last, as the store told when it was marked. */
  readonly storedAt: Date;
  readonly markedAt: Date;
}

/** What was found unnamed before. */
export async function listGarbage(db: Lineage): Promise<readonly Garbage[]> {
  const rows = await db.prisma.garbage.findMany({ orderBy: { blob: 'asc' } });
  return rows.map(({ bytes, ...row }) => ({ ...row, bytes: Number(bytes) }));
}

/** Marks blobs as unnamed; a mark that is there stays as old as it is. */
export async function markGarbage(db: Lineage, found: readonly Omit<Garbage, 'markedAt'>[]): Promise<void> {
  for (let at = 0; at < found.length; at += rowsAtOnce) {
    await db.prisma.garbage.createMany({ data: found.slice(at, at + rowsAtOnce), skipDuplicates: true });
  }
}

/** Takes marks back: of blobs that are gone, or named again. */
export async function unmarkGarbage(db: Lineage, blobs: readonly string[]): Promise<void> {
  for (let at = 0; at < blobs.length; at += rowsAtOnce)
    await db.prisma.garbage.deleteMany({ where: { blob: { in: blobs.slice(at, at + rowsAtOnce) } } });
}

/** Forgets snapshots that nothing which people open by name has on its chain; counts them. With `dryRun` it only counts. */
export async function dropUnusedSnapshots(db: Lineage, dryRun: boolean): Promise<number> {
  const rows = await db.prisma.$queryRaw<{ version_id: string }[]>`
    SELECT version_id FROM snapshots s WHERE NOT EXISTS (
      SELECT 1 FROM live_tips t WHERE t.model_id = s.model_id AND chain_at(t.tip_id, s.depth) = s.contribution_id)`;
  if (!dryRun)
    await db.prisma.snapshot.deleteMany({ where: { versionId: { in: rows.map(({ version_id }) => version_id) } } });
  return rows.length;
}

/** The database's clock: marks and grace periods are by it. */
export async function databaseNow(db: Lineage): Promise<Date> {
  const [row] = await db.prisma.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`;
  return row!.now;
}
