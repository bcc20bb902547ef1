// Tags: names that stay where they were put.
import { ErrataError, type Page, requireNeeds, type Scope, type TagResource } from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { clientOf, type Db, type Lineage } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { type PageRequest, pageOf } from '../database/pages.ts';
import type { Tag as TagRow } from '../generated/client.ts';
import { requireNoErased } from '../upkeep/erase.ts';
import { needsOfName } from './inheritance.ts';
import { claimName, resolveReference } from './references.ts';

export interface NewTag {
  readonly name: string;
  /** As {@link resolveReference} takes it. */
  readonly version: string;
  readonly message?: string | undefined;
  /** Id of the API key. */
  readonly created_by?: string | null | undefined;
  /** What that key may do; left out where the service itself asks. */
  readonly scopes?: readonly Scope[] | undefined;
}

/** Names a version for good. `name_taken`, `unknown_reference`, `unknown_version`; `missing_scope` for a name that a branch had. */
export async function createTag(db: Lineage, modelId: string, tag: NewTag): Promise<TagResource> {
  return db.prisma.$transaction(async (tx) => {
    await claimName(tx, modelId, tag.name);
    if (tag.scopes !== undefined) requireNeeds(tag.scopes, await needsOfName(tx, modelId, tag.name, { kind: 'tag' }));
    const { version, tip } = await resolveReference(tx, modelId, tag.version);
    await requireNoErased(tx, modelId, tip);
    const row = await tx.tag.create({
      data: {
        id: newId('tag'),
        modelId,
        name: tag.name,
        versionId: version,
        tipId: tip,
        message: tag.message ?? null,
        createdBy: tag.created_by ?? null,
      },
    });
    await noteAct(tx, {
      act: 'tag.created',
      subject: row.id,
      model: modelId,
      details: { name: row.name, version_id: version },
      by: tag.created_by,
    });
    return tagResource(row);
  });
}

/** `unknown_tag` when the model has none of this name. */
export const getTag = async (db: Db, modelId: string, name: string): Promise<TagResource> =>
  tagResource(await findTag(db, modelId, name));

async function findTag(db: Db, modelId: string, name: string): Promise<TagRow> {
  const row = await clientOf(db).tag.findFirst({ where: { modelId, name, deletedAt: null } });
  if (row === null) throw new ErrataError('unknown_tag', `the model has no tag ${JSON.stringify(name)}`);
  return row;
}

/** A model's tags by name. The cursor is a name. */
export async function listTags(db: Db, modelId: string, page: PageRequest = {}): Promise<Page<TagResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).tag.findMany({
    where: { modelId, deletedAt: null, ...(page.after === undefined ? {} : { name: { gt: page.after } }) },
    orderBy: { name: 'asc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ name }) => name, tagResource);
}

/** Deletes a tag: its name is free again, the version and the record of the tag stay. `unknown_tag`. */
export async function deleteTag(db: Lineage, modelId: string, name: string): Promise<void> {
  const { id } = await findTag(db, modelId, name);
  await db.prisma.$transaction(async (tx) => {
    const { count } = await tx.tag.updateMany({ where: { id, deletedAt: null }, data: { deletedAt: new Date() } });
    if (count > 0) await noteAct(tx, { act: 'tag.deleted', subject: id, model: modelId, details: { name } });
  });
}

const tagResource = (row: TagRow): TagResource => ({
  id: row.id,
  object: 'tag',
  model_id: row.modelId,
  name: row.name,
  version_id: row.versionId,
  message: row.message,
  created_by: row.createdBy,
  created_at: row.createdAt.toISOString(),
});
