// What versions answer with, as a process gives it that has never seen the model: by way of snapshots, and from every delta.
import { startEngine } from '@errata/engine';
import { getModel, readManifest, sourceOfVersion } from '@errata/lineage';
import type { FaultStack } from '../support/fault-stack.ts';

/** Digests of the weights of each version, twice over: nothing but the bytes of the weights may decide them. */
export async function servedDigests(
  { lineage, modelId, blobsDir }: FaultStack,
  versions: readonly string[],
): Promise<{ version: string; digest: string }[]> {
  const { resource, files } = await getModel(lineage, modelId);
  const model = {
    digest: resource.digest,
    files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
  };
  const engine = startEngine({ blobsDir, threads: 1 });
  try {
    const served: { version: string; digest: string }[] = [];
    for (const read of [sourceOfVersion, readManifest]) {
      for (const version of versions) {
        const manifest = await read(lineage, version, modelId);
        served.push({ version, digest: (await engine.call('digestWeights', { model, version: manifest })).digest });
      }
    }
    return served;
  } finally {
    await engine.stop();
  }
}
