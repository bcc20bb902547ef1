// Writes a version as a checkpoint: its model's files, with its weights in place of the model's own.
import { readdir } from 'node:fs/promises';
import type { LocalBlobStore } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import { loadCheckpoint, versionContents, writeCheckpoint } from '@errata/models';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import { withModelDirectory } from '../models/model-directory.ts';
import type { OpenModel } from '../models/model-store.ts';

/** @throws ErrataError `not_a_checkpoint` for a version with codebooks; ModelError checkpoint_target_* */
export async function exportVersion(
  open: OpenModel,
  { model, version, into }: ParamsOf<'exportVersion'>,
  blobs: LocalBlobStore,
): Promise<ResultOf<'exportVersion'>> {
  const view = await open.view(version);
  const { length } = view.codebooks;
  if (length > 0) {
    throw new ErrataError(
      'not_a_checkpoint',
      `the version has ${length === 1 ? 'a codebook' : `${length} codebooks`} beside its weights, which a checkpoint cannot hold`,
      { details: { codebooks: length } },
    );
  }
  return withModelDirectory(blobs, model.files, async (directory) => {
    const checkpoint = await loadCheckpoint(directory);
    try {
      await writeCheckpoint(into, versionContents(checkpoint, open.model, view));
    } finally {
      checkpoint.close();
    }
    return { files: (await readdir(into)).sort() };
  });
}
