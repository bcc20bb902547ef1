// Writes a version as a checkpoint: its model's files, with its weights in place of the model's own.
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { LocalBlobStore } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import { besideWeights, loadCheckpoint, versionContents, writeCheckpoint } from '@errata/models';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import { withModelDirectory } from '../models/model-directory.ts';
import type { OpenModel } from '../models/model-store.ts';

/** @throws ErrataError `not_a_checkpoint` for a version with memories; ModelError checkpoint_target_* */
export async function exportVersion(
  open: OpenModel,
  { model, version, into }: ParamsOf<'exportVersion'>,
  blobs: LocalBlobStore,
): Promise<ResultOf<'exportVersion'>> {
  const view = await open.view(version);
  const beside = besideWeights(view);
  if (beside !== null) {
    throw new ErrataError(
      'not_a_checkpoint',
      `the version has ${beside} beside its weights, which a checkpoint cannot hold`,
      { details: { memories: [...view.memories.keys()] } },
    );
  }
  return withModelDirectory(blobs, model.files, async (directory) => {
    const checkpoint = await loadCheckpoint(directory);
    try {
      await writeCheckpoint(into, versionContents(checkpoint, open.model, view));
    } finally {
      checkpoint.close();
    }
    return { files: await filesBelow(into) };
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
