// What the worker knows of a stored model: how the engine opens it, and the settings that it brings along.

import type { BlobStore } from '@errata/blobs';
import { type ModelDefaults, type ModelShape, modelDefaultsSchema } from '@errata/editors/catalogue';
import type { ModelReference } from '@errata/engine';
import type { OpenableModel, StoredModel } from '@errata/lineage';

export const modelReference = ({ resource, files }: OpenableModel): ModelReference => ({
  digest: resource.digest,
  files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
});

export const modelShape = ({ resource: { model_type, layers, width } }: StoredModel): ModelShape => ({
  model_type,
  layers,
  width,
});

/** The `errata.json` of a model, or the defaults where it has none. */
export async function modelDefaults(blobs: BlobStore, model: StoredModel): Promise<ModelDefaults> {
  const file = model.files.find(({ path }) => path === 'errata.json');
  if (file === undefined) return modelDefaultsSchema.parse({});
  return modelDefaultsSchema.parse(JSON.parse((await blobs.get(file.blob)).toString('utf8')));
}
