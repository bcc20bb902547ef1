// Models as the engine is told of them.
import type { ModelReference } from '@errata/engine';
import type { OpenableModel } from '@errata/lineage';

/** A stored model as the engine opens it. */
export const modelReference = ({ resource, files }: OpenableModel): ModelReference => ({
  digest: resource.digest,
  files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
});
