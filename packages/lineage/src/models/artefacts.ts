// Artefacts: what editors need beforehand, kept by model, kind, scope and the parameters that they were built with.
import {
  type ArtefactNeed,
  type ArtefactResource,
  canonicalJson,
  ErrataError,
  layerOfScope,
  type Page,
  sha256,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { asJson, clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { type PageRequest, pageOf } from '../database/pages.ts';
import { readRecord } from '../database/stored.ts';
import type { Artefact as ArtefactRow, Prisma } from '../generated/client.ts';
import { holdLane, type Lease } from '../jobs/leases.ts';
import { staleJob, transition } from '../jobs/transitions.ts';

export interface NewArtefact {
  readonly kind: string;
  readonly scope: string;
  /** All that it was built with. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Ids of the artefacts that it was built from. */
  readonly parents: readonly string[];
  /** Already stored. */
  readonly blob: string;
  readonly bytes: number;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Commits the artefacts that a job built. One that exists already for the same parameters stays as it is. `stale_epoch`. */
export async function commitArtefacts(
  db: Lineage,
  lease: Lease,
  commit: { readonly jobId: string; readonly artefacts: readonly NewArtefact[] },
): Promise<void> {
  await failpoint('commit.before');
  const { jobId } = commit;
  await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const job = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
    if (job.state === 'succeeded' && job.epoch === lease.epoch) return; // committed by an earlier call whose answer was lost
    if (job.modelId === null) throw staleJob(jobId, 'committing', job.state);
    const kept = await keepArtefacts(tx, job.modelId, jobId, commit.artefacts);
    const done = await transition(tx, {
      jobId,
      from: ['committing'],
      to: 'succeeded',
      epoch: lease.epoch,
      result: { artefacts: kept.map(({ id, kind, scope, layer, blob }) => ({ id, kind, scope, layer, blob })) },
      data: { artefacts: kept.length },
    });
    if (done === null) throw staleJob(jobId, 'committing', job.state);
    await failpoint('commit.before_commit');
  });
  await failpoint('commit.after');
}

/**
 * Keeps artefacts that a job built on its way to something else, as {@link commitArtefacts} does for a job of their own; the job
 * stays where it is. They are kept whatever becomes of it. `stale_epoch`.
 * @returns what is kept, in order: where others were there first, those
 */
export async function recordArtefacts(
  db: Lineage,
  lease: Lease,
  record: { readonly jobId: string; readonly artefacts: readonly NewArtefact[] },
): Promise<readonly ArtefactResource[]> {
  const { jobId, artefacts } = record;
  return db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const job = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
    if (job.epoch !== lease.epoch || job.state !== 'running' || job.modelId === null)
      throw staleJob(jobId, 'running', job.state);
    return keepArtefacts(tx, job.modelId, jobId, artefacts);
  });
}

async function keepArtefacts(
  tx: Tx,
  modelId: string,
  jobId: string,
  artefacts: readonly NewArtefact[],
): Promise<readonly ArtefactResource[]> {
  const rows = artefacts.map(({ kind, scope, parameters, parents, blob, bytes, details }) => ({
    id: newId('art'),
    modelId,
    kind,
    scope,
    parameters: asJson(parameters),
    parametersDigest: sha256(canonicalJson(parameters)),
    parents: [...parents],
    blob,
    bytes,
    details: asJson(details),
    jobId,
  }));
  await tx.artefact.createMany({ data: rows, skipDuplicates: true });
  const kept: ArtefactResource[] = [];
  for (const { kind, scope, parametersDigest } of rows) {
    const key = { modelId, kind, scope, parametersDigest };
    const row = await tx.artefact.findUniqueOrThrow({ where: { modelId_kind_scope_parametersDigest: key } });
    kept.push(artefactResource(row));
  }
  return kept;
}

export interface ArtefactFilter {
  readonly kind?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
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
      ...(filter.scopes === undefined ? {} : { scope: { in: [...filter.scopes] } }),
      ...(page.after === undefined ? {} : { id: { lt: page.after } }),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ id }) => id, artefactResource);
}

/** The newest artefact of a model of this kind and scope that has these among its parameters; null where there is none. */
export async function findArtefact(
  db: Db,
  modelId: string,
  { kind, scope, parameters }: ArtefactNeed,
): Promise<ArtefactResource | null> {
  const equal = Object.entries(parameters).map(([key, value]) => ({
    parameters: { path: [key], equals: value as Prisma.InputJsonValue },
  }));
  const row = await clientOf(db).artefact.findFirst({
    where: { modelId, kind, scope, AND: equal },
    orderBy: { id: 'desc' },
  });
  return row === null ? null : artefactResource(row);
}

/** An artefact by its id. `not_found`. */
export async function getArtefact(db: Db, id: string): Promise<ArtefactResource> {
  const row = await clientOf(db).artefact.findUnique({ where: { id } });
  if (row === null) throw new ErrataError('not_found', `there is no artefact ${JSON.stringify(id)}`);
  return artefactResource(row);
}

const artefactResource = (row: ArtefactRow): ArtefactResource => ({
  id: row.id,
  object: 'artefact',
  model_id: row.modelId,
  kind: row.kind,
  scope: row.scope,
  layer: layerOfScope(row.scope),
  parameters: readRecord(row.parameters, `the parameters of ${row.id}`),
  parents: row.parents,
  blob: row.blob,
  bytes: Number(row.bytes),
  details: readRecord(row.details, `the details of ${row.id}`),
  job_id: row.jobId,
  created_at: row.createdAt.toISOString(),
});
