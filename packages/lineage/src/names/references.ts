// References: what a name stands for. Branches, aliases and tags of a model share their names, so that MODEL@NAME is one thing.
import { ErrataError, type ReferenceKind, type ReferenceResource, versionPrefix } from '@errata/contracts';
import { clientOf, type Db, type Tx } from '../database/client.ts';
import { Prisma } from '../generated/client.ts';
import { findPlace } from '../history/versions.ts';

/** A version with the chain that says whose edits it holds. */
export interface Place {
  readonly version: string;
  readonly tip: string | null;
}

export interface Reference extends Place {
  readonly kind: ReferenceKind;
  readonly name: string;
}

/**
 * The version that a reference stands for now: an id or the beginning of one, or the name of a branch, an alias or a tag.
 * `unknown_version` for the first, `unknown_reference` for the others.
 */
export async function resolveReference(db: Db, modelId: string, reference: string): Promise<Reference> {
  if (reference.startsWith(versionPrefix)) {
    const place = await findPlace(db, reference, modelId);
    return { kind: 'version', name: place.version, ...place };
  }
  const found = await findNamed(db, modelId, reference);
  if (found !== null) return { name: reference, ...found };
  throw unknownReference(reference);
}

export const unknownReference = (reference: string): ErrataError =>
  new ErrataError(
    'unknown_reference',
    `the model has no branch, alias or tag ${JSON.stringify(reference)}, and a version begins with ${versionPrefix}`,
    { details: { reference } },
  );

export const referenceResource = ({ kind, name, version }: Reference): ReferenceResource => ({
  object: 'reference',
  kind,
  name,
  version_id: version,
});

async function findNamed(db: Db, modelId: string, name: string): Promise<Omit<Reference, 'name'> | null> {
  const rows = await clientOf(db).$queryRaw<{ kind: ReferenceKind; version: string; tip: string | null }[]>(
    selectNamed(Prisma.sql`${modelId}`, name),
  );
  return rows[0] ?? null;
}

/** What a model has by this name: `kind`, `version`, `tip`; no row for nothing. */
export const selectNamed = (modelId: Prisma.Sql, name: string): Prisma.Sql => Prisma.sql`
    SELECT 'branch' AS kind, head_version_id AS version, tip_id AS tip FROM branches
      WHERE model_id = ${modelId} AND name = ${name} AND deleted_at IS NULL
    UNION ALL SELECT 'alias', version_id, tip_id FROM aliases
      WHERE model_id = ${modelId} AND name = ${name} AND deleted_at IS NULL
    UNION ALL SELECT 'tag', version_id, tip_id FROM tags
      WHERE model_id = ${modelId} AND name = ${name} AND deleted_at IS NULL`;

/**
 * Makes sure that nothing of a model has this name, or nothing of another kind, and keeps others from taking it until the transaction
 * ends. `name_taken`.
 */
export async function claimName(tx: Tx, modelId: string, name: string, unless?: ReferenceKind): Promise<void> {
  await tx.$queryRaw`SELECT id FROM models WHERE id = ${modelId} FOR NO KEY UPDATE`;
  const taken = await findNamed(tx, modelId, name);
  if (taken === null || taken.kind === unless) return;
  const article = taken.kind === 'alias' ? 'an' : 'a';
  throw new ErrataError('name_taken', `the model already has ${article} ${taken.kind} ${JSON.stringify(name)}`, {
    details: { kind: taken.kind, version: taken.version },
  });
}
