// Versions: immutable model states, found by id or by a prefix that only one of them has.
import { ErrataError, type Page, type VersionResource, versionPrefix } from '@errata/contracts';
import { clientOf, type Db } from './client.ts';
import { type Contribution, manifestOf, readChain } from './contributions.ts';
import type { Version as VersionRow } from './generated/client.ts';
import { type PageRequest, pageOf } from './pages.ts';

/** A version with the contributions its manifest is made of. */
export interface StoredVersion {
  readonly resource: VersionResource;
  readonly contributions: readonly Contribution[];
}

/**
 * Finds a version by its id or a prefix of it; with `modelId`, among that model's. Two models of equal content have equal versions:
 * without `modelId` the oldest row answers. `unknown_version` when none or several match.
 */
export async function getVersion(db: Db, idOrPrefix: string, modelId?: string): Promise<StoredVersion> {
  const row = await findVersion(db, idOrPrefix, modelId);
  return readVersion(db, row);
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

export async function readVersion(db: Db, row: VersionRow): Promise<StoredVersion> {
  const client = clientOf(db);
  const [model, contributions] = [
    await client.model.findUniqueOrThrow({ where: { id: row.modelId } }),
    await readChain(db, row.tipId),
  ];
  return {
    resource: {
      id: row.id,
      object: 'version',
      model_id: row.modelId,
      parent_id: row.parentId,
      job_id: row.jobId,
      manifest: manifestOf(model.digest, contributions),
      delta_bytes: Number(row.deltaBytes),
      created_at: row.createdAt.toISOString(),
    },
    contributions,
  };
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
  const data: VersionResource[] = [];
  for (const row of shown.data) data.push((await readVersion(db, row)).resource);
  return { ...shown, data };
}

/** A version and its parents up to the root, newest first, `limit` at most. */
export async function versionLineage(
  db: Db,
  version: VersionResource,
  limit = 100,
): Promise<readonly VersionResource[]> {
  const line = [version];
  for (let parent = version.parent_id; parent !== null && line.length < limit; parent = line.at(-1)!.parent_id) {
    const row = await clientOf(db).version.findUniqueOrThrow({
      where: { modelId_id: { modelId: version.model_id, id: parent } },
    });
    line.push((await readVersion(db, row)).resource);
  }
  return line;
}
