// Builds artefacts of a kind and stores them as blobs; a build that was broken off goes on where its last checkpoint was.
import type { LocalBlobStore } from '@errata/blobs';
import type { ArtefactNeed, ArtefactUse } from '@errata/contracts';
import {
  type ArtefactStore,
  type Artefacts,
  type BuiltArtefact as Built,
  buildArtefacts,
  openArtefacts,
} from '@errata/editors';
import type { BuiltArtefact, ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';

export async function buildAndStore(
  open: OpenModel,
  { kind, needs, request, parents }: Omit<ParamsOf<'buildArtefacts'>, 'model'>,
  { blobs, scratch }: { readonly blobs: LocalBlobStore; readonly scratch: ArtefactStore },
  { onProgress, signal }: CallContext,
): Promise<ResultOf<'buildArtefacts'>> {
  const input = { model: open.model, digest: open.digest, request, corpus: await open.corpus(), brought: open.brought };
  const building = {
    input,
    parents: storedArtefacts(open.digest, parents, blobs),
    scratch,
    keep: async ({ parameters, bytes: content, details }: Built, { scope }: ArtefactNeed): Promise<BuiltArtefact> => {
      const { sha256: blob, size: bytes } = await blobs.put(content);
      return { scope, parameters, blob, bytes, details };
    },
  };
  return { artefacts: await buildArtefacts(kind, needs, building, { onProgress, signal }) };
}

/** Artefacts of a model that are blobs. */
export const storedArtefacts = (model: string, used: readonly ArtefactUse[], blobs: LocalBlobStore): Artefacts =>
  openArtefacts(
    model,
    used.map(({ blob, ...need }) => ({ need, read: () => blobs.get(blob) })),
  );
