// Writes a version in one of the forms that it can leave in: a checkpoint, an adapter, a GGUF file and their like.
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { LocalBlobStore } from '@errata/blobs';
import { loadCheckpoint, writeExport } from '@errata/models';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import { withModelDirectory } from '../models/model-directory.ts';
import type { OpenModel } from '../models/model-store.ts';

/** @throws ModelError export_unsupported, checkpoint_target_*, safetensors_float16_overflow */
export async function exportVersion(
  open: OpenModel,
  { model, version, settings, name, base, into }: ParamsOf<'exportVersion'>,
  blobs: LocalBlobStore,
): Promise<ResultOf<'exportVersion'>> {
  // A view that was opened from what is stored whole does not know its deltas.
  const view = await (settings.form === 'adapter' ? open.freshView(version) : open.view(version));
  return withModelDirectory(blobs, model.files, async (directory) => {
    const checkpoint = await loadCheckpoint(directory);
    try {
      const report = await writeExport(into, { checkpoint, model: open.model, view, name, base }, settings);
      return { files: await filesBelow(into), report };
    } finally {
      checkpoint.close();
    }
  });
}

/** Names of all files of a directory, those in its folders with the folder's, in order. */
async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)).replaceAll(sep, '/'))
    .sort();
}
