// Versions: immutable model states, found by id or by a prefix that only one of them has.
import {
  ErrataError,
  type Manifest,
  type Page,
  type ShownManifest,
  type VersionResource,
  type VersionSource,
  versionPrefix,
} from '@errata/contracts';
import { clientOf, type Db } from '../database/client.ts';
import { type PageRequest, pageOf } from '../database/pages.ts';
import type { Version as VersionRow } from '../generated/client.ts';
import { manifestOf, readChain, sourceAt } from './contributions.ts';

/** A version with the end of the chain that it stands for. */
export interface StoredVersion {
  readonly resource: VersionResource;
  readonly tip: string | null;
}

const wholeId = new RegExp(`^${versionPrefix}[0-9a-f]{64}$`);

interface WholeVersion {
  readonly id: string;
  readonly model_id: string;
  readonly parent_id: string | null;
  readonly job_id: string | null;
  readonly tip_id: string | null;
  readonly depth: number;
  readonly delta_bytes: bigint;
  readonly created_at: Date;
}

/** A version by all of its id, in one look. */
async function versionById(db: Db, id: string, modelId: string | undefined): Promise<StoredVersion | null> {
  const [row] = await clientOf(db).$queryRaw<WholeVersion[]>`/* prepared */
    SELECT v.id, v.model_id, v.parent_id, v.job_id, v.tip_id, coalesce(c.depth, 0) AS depth, v.delta_bytes, v.created_at
    FROM versions v LEFT JOIN contributions c ON c.id = v.tip_id
    WHERE v.id = ${id} AND v.model_id = coalesce(${modelId ?? null}::text, v.model_id) ORDER BY v.created_at LIMIT 1`;
  if (row === undefined) return null;
  const { tip_id: tip, delta_bytes, created_at, ...rest } = row;
  return {
    resource: { ...rest, object: 'version', delta_bytes: Number(delta_bytes), created_at: created_at.toISOString() },
    tip,
  };
}

/**
 * Finds a version by its id or a prefix of it; with `modelId`, among that model's. Two models of equal content have equal versions:
 * without `modelId` the oldest row answers. `unknown_version` when none or several match.
 */
export async function getVersion(db: Db, idOrPrefix: string, modelId?: string): Promise<StoredVersion> {
  const whole = wholeId.test(idOrPrefix) ? await versionById(db, idOrPrefix, modelId) : null;
  if (whole !== null) return whole;
  const row = await findVersion(db, idOrPrefix, modelId);
  return { resource: (await versionResources(db, [row]))[0]!, tip: row.tipId };
}

/**
 * Whose edits a version holds: the same version may have been reached by several histories, of which the latest speaks.
 * `unknown_version`.
 */
export async function findPlace(
  db: Db,
  idOrPrefix: string,
  modelId: string,
): Promise<{ readonly version: string; readonly tip: string | null }> {
  const { id, tipId } = await findVersion(db, idOrPrefix, modelId);
  const move = await clientOf(db).branchMove.findFirst({
    where: { modelId, toVersionId: id },
    orderBy: [{ createdAt: 'desc' }, { sequence: 'desc' }],
  });
  return { version: id, tip: move === null ? tipId : move.tipId };
}

/** How to open a version. `unknown_version`. */
export async function sourceOfVersion(db: Db, idOrPrefix: string, modelId: string): Promise<VersionSource> {
  const { modelId: id, tipId } = await findVersion(db, idOrPrefix, modelId);
  const { digest } = await clientOf(db).model.findUniqueOrThrow({ where: { id }, select: { digest: true } });
  return sourceAt(db, digest, tipId);
}

/** Everything that a version is made of, however long its history. `unknown_version`. */
export async function readManifest(db: Db, idOrPrefix: string, modelId?: string): Promise<Manifest> {
  const row = await findVersion(db, idOrPrefix, modelId);
  const { digest } = await clientOf(db).model.findUniqueOrThrow({ where: { id: row.modelId } });
  return manifestOf(digest, await readChain(db, row.tipId));
}

/**
 * The artefacts that the edits of a version were made with, by kind and scope; what an edit job used it has noted in its result. It
 * takes what reading the manifest takes. `unknown_version`.
 */
export async function artefactsOfVersion(
  db: Db,
  idOrPrefix: string,
  modelId?: string,
): Promise<ShownManifest['artefacts']> {
  const row = await findVersion(db, idOrPrefix, modelId);
  return clientOf(db).$queryRaw<ShownManifest['artefacts']>`
    WITH RECURSIVE chain AS (
      SELECT previous_id, job_id FROM contributions WHERE id = ${row.tipId}
      UNION ALL
      SELECT c.previous_id, c.job_id FROM chain JOIN contributions c ON c.id = chain.previous_id
    ), used AS (
      SELECT DISTINCT jobs.id AS job_id, artefact->>'kind' AS kind, artefact->>'scope' AS scope, artefact->>'blob' AS blob
      FROM jobs CROSS JOIN jsonb_array_elements(
        CASE jsonb_typeof(result->'artefacts') WHEN 'array' THEN result->'artefacts' ELSE '[]' END) AS artefact
      WHERE jobs.id IN (SELECT job_id FROM chain)
    )
    SELECT min(a.id) AS id, used.kind, used.scope, used.blob, array_agg(DISTINCT used.job_id ORDER BY used.job_id) AS job_ids
    FROM used JOIN artefacts a
      ON a.model_id = ${row.modelId} AND a.kind = used.kind AND a.scope = used.scope AND a.blob = used.blob
    GROUP BY used.kind, used.scope, used.blob ORDER BY used.kind, used.scope, id`;
}

export async function findVersion(db: Db, idOrPrefix: string, modelId?: string): Promise<VersionRow> {
  const unknown = (message: string) =>
    new ErrataError('unknown_version', message, { details: { version: idOrPrefix } });
  if (!/^ver_[0-9a-f]{4,64}$/.test(idOrPrefix)) {
    throw unknown(
      `${JSON.stringify(idOrPrefix)} is not a version: write ${versionPrefix} and at least 4 digits of its digest`,
    );
  }
  const rows = await clientOf(db).version.findMany({
    where: { id: { startsWith: idOrPrefix }, ...(modelId === undefined ? {} : { modelId }) },
    orderBy: { createdAt: 'asc' },
    take: 100,
  });
  const [first] = rows;
  if (first === undefined) throw unknown(`there is no version ${idOrPrefix}`);
  if (rows.some(({ id }) => id !== first.id))
    throw unknown(`${idOrPrefix} is the beginning of several versions: write more of it`);
  return first;
}

async function versionResources(db: Db, rows: readonly VersionRow[]): Promise<readonly VersionResource[]> {
  const tips = rows.flatMap(({ tipId }) => tipId ?? []);
  const links = await clientOf(db).contribution.findMany({
    where: { id: { in: tips } },
    select: { id: true, depth: true },
  });
  const depths = new Map(links.map(({ id, depth }) => [id, depth]));
  return rows.map((row) => ({
    id: row.id,
    object: 'version',
    model_id: row.modelId,
    parent_id: row.parentId,
    job_id: row.jobId,
    depth: row.tipId === null ? 0 : depths.get(row.tipId)!,
    delta_bytes: Number(row.deltaBytes),
    created_at: row.createdAt.toISOString(),
  }));
}

/** A model's versions, newest first. The cursor is a version id. */
export async function listVersions(db: Db, modelId: string, page: PageRequest = {}): Promise<Page<VersionResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).version.findMany({
    where: { modelId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: limit + 1,
    ...(page.after === undefined ? {} : { cursor: { modelId_id: { modelId, id: page.after } }, skip: 1 }),
  });
  const shown = pageOf(
    rows,
    limit,
    ({ id }) => id,
    (row) => row,
  );
  return { ...shown, data: await versionResources(db, shown.data) };
}

/** A version and its parents up to the root, newest first, `limit` at most. */
export async function versionLineage(
  db: Db,
  version: Pick<VersionResource, 'id' | 'model_id'>,
  limit = 100,
): Promise<readonly VersionResource[]> {
  const rows = await clientOf(db).$queryRaw<{ id: string }[]>`
    WITH RECURSIVE line AS (
      SELECT id, parent_id, 1 AS place FROM versions WHERE model_id = ${version.model_id} AND id = ${version.id}
      UNION ALL
      SELECT v.id, v.parent_id, place + 1 FROM line JOIN versions v ON v.model_id = ${version.model_id} AND v.id = line.parent_id
      WHERE place < ${limit}
    )
    SELECT id FROM line ORDER BY place`;
  const ids = rows.map(({ id }) => id);
  const found = await clientOf(db).version.findMany({ where: { modelId: version.model_id, id: { in: ids } } });
  const byId = new Map((await versionResources(db, found)).map((resource) => [resource.id, resource]));
  return ids.map((id) => byId.get(id)!);
}
