// Aliases: names for serving. Each move is written down in the transaction that makes it.
import {
  type AliasMoveResource,
  type AliasResource,
  type aliasMoveKinds,
  ErrataError,
  type Page,
  requireNeeds,
  type Scope,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { noteAct } from '../audit/note.ts';
import { clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import type { Alias as AliasRow } from '../generated/client.ts';
import { requireNoErased } from '../upkeep/erase.ts';
import { needsOfName } from './inheritance.ts';
import { claimName, resolveReference } from './references.ts';

export interface AliasMove {
  /** As `resolveReference` takes it. */
  readonly version: string;
  readonly reason?: string | undefined;
  /** Where the caller has seen the alias; null for nowhere. */
  readonly if_version_id?: string | null | undefined;
  /** Id of the API key. */
  readonly moved_by?: string | null | undefined;
  /** What that key may do; left out where the service itself asks. */
  readonly scopes?: readonly Scope[] | undefined;
}

/**
 * Puts an alias on a version, making it when it is not there. Where it is already, nothing is written. `name_taken` by a branch or a
 * tag, `stale_alias`, `unknown_reference`, `unknown_version`; `missing_scope` for a name that a branch had.
 */
export async function setAlias(db: Lineage, modelId: string, name: string, move: AliasMove): Promise<AliasResource> {
  await failpoint('alias.before');
  const alias = await db.prisma.$transaction(async (tx) => {
    const { row, version: now } = await lockAlias(tx, modelId, name, move);
    const { scopes } = move;
    if (now === null && scopes !== undefined)
      requireNeeds(scopes, await needsOfName(tx, modelId, name, { kind: 'alias' }));
    const { version, tip } = await resolveReference(tx, modelId, move.version);
    await requireNoErased(tx, modelId, tip);
    if (row !== null && version === now && tip === row.tipId) return row;
    const place = { versionId: version, tipId: tip };
    const moved =
      row === null
        ? await tx.alias.create({ data: { id: newId('alias'), modelId, name, sequence: 1, ...place } })
        : await tx.alias.update({
            where: { id: row.id },
            data: { ...place, sequence: { increment: 1 }, movedAt: new Date(), deletedAt: null },
          });
    await noteMove(tx, moved, row === null ? 'created' : now === null ? 'restored' : 'moved', now, version, move);
    return moved;
  });
  await failpoint('alias.after');
  return aliasResource(alias);
}

/** Takes an alias out of service; its history stays, and goes on should it be set again. `unknown_alias`, `stale_alias`. */
export async function deleteAlias(
  db: Lineage,
  modelId: string,
  name: string,
  by: Omit<AliasMove, 'version'> = {},
): Promise<void> {
  await db.prisma.$transaction(async (tx) => {
    const { row, version } = await lockAlias(tx, modelId, name, by, 'must exist');
    if (row === null || version === null) throw unknownAlias(name);
    const deleted = await tx.alias.update({
      where: { id: row.id },
      data: { sequence: { increment: 1 }, movedAt: new Date(), deletedAt: new Date() },
    });
    await noteMove(tx, deleted, 'deleted', version, null, by);
  });
}

/** Locks an alias, and its name unless it must exist, and checks where the caller has seen it. `version` is null where it is not in service. */
async function lockAlias(
  tx: Tx,
  modelId: string,
  name: string,
  { if_version_id: seen }: Omit<AliasMove, 'version'>,
  mode?: 'must exist',
): Promise<{ readonly row: AliasRow | null; readonly version: string | null }> {
  if (mode === undefined) await claimName(tx, modelId, name, 'alias');
  await tx.$queryRaw`SELECT id FROM aliases WHERE model_id = ${modelId} AND name = ${name} FOR NO KEY UPDATE`;
  const row = await tx.alias.findUnique({ where: { modelId_name: { modelId, name } } });
  const version = row === null || row.deletedAt !== null ? null : row.versionId;
  if (seen !== undefined && seen !== version) {
    const where = version === null ? 'not in service' : `at ${version}`;
    throw new ErrataError('stale_alias', `alias ${JSON.stringify(name)} is ${where}, not at ${seen ?? 'none'}`, {
      details: { version_id: version, if_version_id: seen },
    });
  }
  return { row, version };
}

async function noteMove(
  tx: Tx,
  { id: aliasId, modelId, name, sequence, tipId }: AliasRow,
  kind: (typeof aliasMoveKinds)[number],
  from: string | null,
  to: string | null,
  by: Partial<AliasMove>,
): Promise<void> {
  await failpoint('alias.after_move');
  await tx.aliasMove.create({
    data: {
      aliasId,
      sequence,
      modelId,
      kind,
      fromVersionId: from,
      toVersionId: to,
      tipId: to === null ? null : tipId,
      target: by.version ?? null,
      reason: by.reason ?? null,
      movedBy: by.moved_by ?? null,
    },
  });
  await noteAct(tx, {
    act: 'alias.moved',
    subject: aliasId,
    model: modelId,
    details: { name, sequence, kind, from_version_id: from ?? undefined, to_version_id: to ?? undefined },
    by: by.moved_by,
  });
}

/** `unknown_alias` when the model has none of this name in service. */
export async function getAlias(db: Db, modelId: string, name: string): Promise<AliasResource> {
  const row = await clientOf(db).alias.findFirst({ where: { modelId, name, deletedAt: null } });
  if (row === null) throw unknownAlias(name);
  return aliasResource(row);
}

/** A model's aliases by name. The cursor is a name. */
export async function listAliases(db: Db, modelId: string, page: PageRequest = {}): Promise<Page<AliasResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).alias.findMany({
    where: { modelId, deletedAt: null, ...(page.after === undefined ? {} : { name: { gt: page.after } }) },
    orderBy: { name: 'asc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ name }) => name, aliasResource);
}

/** The moves of an alias, newest first, also of one that is out of service. The cursor is a number. `unknown_alias`. */
export async function aliasHistory(
  db: Db,
  modelId: string,
  name: string,
  page: PageRequest = {},
): Promise<Page<AliasMoveResource>> {
  const limit = page.limit ?? 20;
  const alias = await clientOf(db).alias.findUnique({ where: { modelId_name: { modelId, name } } });
  if (alias === null) throw unknownAlias(name);
  const rows = await clientOf(db).aliasMove.findMany({
    where: {
      aliasId: alias.id,
      ...(page.after === undefined ? {} : { sequence: { lt: numericCursor(page.after) } }),
    },
    orderBy: { sequence: 'desc' },
    take: limit + 1,
  });
  return pageOf(
    rows,
    limit,
    ({ sequence }) => String(sequence),
    (row): AliasMoveResource => ({
      sequence: row.sequence,
      kind: row.kind as AliasMoveResource['kind'],
      from_version: row.fromVersionId,
      to_version: row.toVersionId,
      target: row.target,
      reason: row.reason,
      moved_by: row.movedBy,
      created_at: row.createdAt.toISOString(),
    }),
  );
}

const unknownAlias = (name: string): ErrataError =>
  new ErrataError('unknown_alias', `the model has no alias ${JSON.stringify(name)}`);

const aliasResource = (row: AliasRow): AliasResource => ({
  id: row.id,
  object: 'alias',
  model_id: row.modelId,
  name: row.name,
  version_id: row.versionId,
  sequence: row.sequence,
  created_at: row.createdAt.toISOString(),
  moved_at: row.movedAt.toISOString(),
});
