// Models: imported checkpoints, found by name or id.
import { ErrataError, type ModelResource, modelOriginSchema, type Page } from '@errata/contracts';
import { z } from 'zod';
import { clientOf, type Db } from '../database/client.ts';
import { idFirst } from '../database/ids.ts';
import { type PageRequest, pageOf } from '../database/pages.ts';
import { readMetadata, readStored } from '../database/stored.ts';
import type { Model as ModelRow } from '../generated/client.ts';

/** A file of an imported model and the blob that holds it. */
export const modelFileSchema = z.strictObject({
  /** Relative to the model's directory, with forward slashes. */
  path: z.string(),
  blob: z.string(),
  bytes: z.int(),
});
export type ModelFile = z.output<typeof modelFileSchema>;

/** What opening a model takes. */
export interface OpenableModel {
  readonly resource: Pick<ModelResource, 'id' | 'name' | 'digest'>;
  readonly files: readonly ModelFile[];
}

/** A model with what is needed to open it. */
export interface StoredModel extends OpenableModel {
  readonly resource: ModelResource;
}

/** `unknown_model` when there is none of this name or id. */
export async function getModel(db: Db, nameOrId: string): Promise<StoredModel> {
  const found = await clientOf(db).model.findMany({ where: { OR: [{ name: nameOrId }, { id: nameOrId }] } });
  const row = idFirst(found, nameOrId);
  if (row === null) throw unknownModel(nameOrId);
  return storedModel(row);
}

export const unknownModel = (nameOrId: string): ErrataError =>
  new ErrataError('unknown_model', `there is no model ${JSON.stringify(nameOrId)}`);

/** Models by name, or those of some ids. The cursor is a name. */
export async function listModels(
  db: Db,
  page: PageRequest & { readonly ids?: readonly string[] | undefined } = {},
): Promise<Page<ModelResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).model.findMany({
    where: {
      ...(page.after === undefined ? {} : { name: { gt: page.after } }),
      ...(page.ids === undefined ? {} : { id: { in: [...page.ids] } }),
    },
    orderBy: { name: 'asc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ name }) => name, modelResource);
}

export const storedModel = (row: ModelRow): StoredModel => ({
  resource: modelResource(row),
  files: modelFiles(row),
});

/** The files of a model as they are stored. @throws ErrataError `unreadable_record` */
export const modelFiles = ({ id, files }: { readonly id: string; readonly files: unknown }): readonly ModelFile[] =>
  readStored(z.array(modelFileSchema), files, `the files of ${id}`);

export const modelResource = (row: ModelRow): ModelResource => ({
  id: row.id,
  object: 'model',
  name: row.name,
  project_id: row.projectId,
  digest: row.digest,
  model_type: row.modelType,
  parameters: Number(row.parameters),
  layers: row.layers,
  width: row.width,
  vocabulary: row.vocabulary,
  context: row.context,
  has_tokenizer: row.hasTokenizer,
  origin: readStored(z.array(modelOriginSchema), row.origin, `the origin of ${row.id}`),
  metadata: readMetadata(row.metadata, `the metadata of ${row.id}`),
  created_at: row.createdAt.toISOString(),
});
