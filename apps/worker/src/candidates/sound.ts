// What a version is made of is looked at before the version is committed: an engine that holds it in memory works on when it is damaged on disk.
import { ErrataError } from '@errata/contracts';
import { type Ground, getModel, sourceAt } from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';

/**
 * Reads every delta that opening the version would replay, and sees that the model's files are there in their length. What lies before
 * a snapshot, and the bytes of the model, take too long to read each time: that is for a check of everything.
 * @throws ErrataError `blob_missing`, `blob_corrupt`
 */
export async function requireSound(
  { context, signal }: JobRun,
  modelId: string,
  { after, added }: Pick<Ground, 'after' | 'added'>,
): Promise<void> {
  const { lineage, blobs } = context;
  const { resource, files } = await getModel(lineage, modelId);
  for (const { path, blob, bytes } of files) {
    const found = await blobs.stat(blob);
    if (found?.size === bytes) continue;
    const [code, why] =
      found === null
        ? (['blob_missing', 'is not in the store'] as const)
        : (['blob_corrupt', `has ${found.size} bytes instead of ${bytes}`] as const);
    throw new ErrataError(code, `${path} of the model, blob ${blob}, ${why}`, { details: { blob } });
  }
  const { deltas } = await sourceAt(lineage, resource.digest, after);
  const replayed = [...deltas, ...added.flatMap((contribution) => contribution.deltas)];
  for (const blob of new Set(replayed.map((delta) => delta.blob))) {
    signal.throwIfAborted();
    await blobs.verify(blob);
  }
}
