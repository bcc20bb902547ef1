// Artefacts: what editors need beforehand, kept by model, kind, layer and settings.
import type { ArtefactResource, Page } from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { asJson, clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { type PageRequest, pageOf } from '../database/pages.ts';
import { readRecord } from '../database/stored.ts';
import type { Artefact as ArtefactRow } from '../generated/client.ts';
import { holdLane, type Lease } from '../jobs/leases.ts';
import { staleJob, transition } from '../jobs/transitions.ts';

export interface NewArtefact {
  readonly kind: string;
  readonly layer: number;
  /** Digest of the settings it was built with. */
  readonly config_digest: string;
  /** Already stored. */
  readonly blob: string;
  readonly bytes: number;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Commits the artefacts that a job built. One that exists already for the same settings stays as it is. `stale_epoch`. */
export async function commitArtefacts(
  db: Lineage,
  lease: Lease,
  commit: {
    readonly jobId: string;
    readonly artefacts: readonly NewArtefact[];
    readonly result?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  await failpoint('commit.before');
  const { jobId } = commit;
  await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const job = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
    if (job.state === 'succeeded' && job.epoch === lease.epoch) return; // committed by an earlier call whose answer was lost
    if (job.modelId === null) throw staleJob(jobId, 'committing', job.state);
    const modelId = job.modelId;
    await insertArtefacts(tx, modelId, jobId, commit.artefacts);
    const done = await transition(tx, {
      jobId,
      from: ['committing'],
      to: 'succeeded',
      epoch: lease.epoch,
      result: commit.result,
      data: { artefacts: commit.artefacts.length },
    });
    if (done === null) throw staleJob(jobId, 'committing', job.state);
    await failpoint('commit.before_commit');
  });
  await failpoint('commit.after');
}

/**
 * Keeps artefacts that a job built on its way to something else, as {@link commitArtefacts} does for a job of their own; the job
 * stays where it is. They are kept whatever becomes of it. `stale_epoch`.
 */
export async function recordArtefacts(
  db: Lineage,
  lease: Lease,
  record: { readonly jobId: string; readonly artefacts: readonly NewArtefact[] },
): Promise<void> {
  const { jobId, artefacts } = record;
  await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const job = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
    if (job.epoch !== lease.epoch || job.state !== 'running' || job.modelId === null)
      throw staleJob(jobId, 'running', job.state);
    await insertArtefacts(tx, job.modelId, jobId, artefacts);
  });
}

async function insertArtefacts(
  tx: Tx,
  modelId: string,
  jobId: string,
  artefacts: readonly NewArtefact[],
): Promise<void> {
  await tx.artefact.createMany({
    data: artefacts.map((artefact) => ({
      id: newId('art'),
      modelId,
      kind: artefact.kind,
      layer: artefact.layer,
      configDigest: artefact.config_digest,
      blob: artefact.blob,
      bytes: artefact.bytes,
      details: asJson(artefact.details),
      jobId,
    })),
    skipDuplicates: true,
  });
}

export interface ArtefactFilter {
  readonly kind?: string | undefined;
  readonly layers?: readonly number[] | undefined;
  readonly config_digest?: string | undefined;
}

/** A model's artefacts, newest first. The cursor is an artefact id. */
export async function listArtefacts(
  db: Db,
  modelId: string,
  filter: ArtefactFilter = {},
  page: PageRequest = {},
): Promise<Page<ArtefactResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).artefact.findMany({
    where: {
      modelId,
      ...(filter.kind === undefined ? {} : { kind: filter.kind }),
      ...(filter.layers === undefined ? {} : { layer: { in: [...filter.layers] } }),
      ...(filter.config_digest === undefined ? {} : { configDigest: filter.config_digest }),
      ...(page.after === undefined ? {} : { id: { lt: page.after } }),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ id }) => id, artefactResource);
}

/** The newest artefact of a kind for each layer of a model, of those in one format: what an editor opens. */
export async function artefactsByLayer(
  db: Db,
  modelId: string,
  { kind, format }: { readonly kind: string; readonly format: string },
): Promise<ReadonlyMap<number, ArtefactResource>> {
  const details = { path: ['format'], equals: format };
  const rows = await clientOf(db).artefact.findMany({ where: { modelId, kind, details }, orderBy: { id: 'asc' } });
  return new Map(rows.map((row) => [row.layer, artefactResource(row)]));
}

export const artefactResource = (row: ArtefactRow): ArtefactResource => ({
  id: row.id,
  object: 'artefact',
  model_id: row.modelId,
  kind: row.kind,
  layer: row.layer,
  blob: row.blob,
  details: readRecord(row.details, `the details of ${row.id}`),
  created_at: row.createdAt.toISOString(),
});
