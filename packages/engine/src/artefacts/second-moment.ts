// Builds second moments and stores them as blobs; a build that was broken off goes on where its last checkpoint was.
import type { LocalBlobStore } from '@errata/blobs';
import { canonicalJson, ErrataError, layerScope, secondMomentFormat, sha256 } from '@errata/contracts';
import {
  buildSecondMoments,
  decodeMomentSums,
  encodeMomentSums,
  encodeSecondMoment,
  type MomentSums,
} from '@errata/editors';
import type { BuiltArtefact, ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';
import { defaultMomentTokens } from '../settings.ts';
import type { FileArtefactStore } from './file-artefacts.ts';
import { digestCorpus } from './file-digest.ts';

export async function buildSecondMoment(
  open: OpenModel,
  { layers, corpus, tokens = defaultMomentTokens, ridge }: Omit<ParamsOf<'buildSecondMoment'>, 'model'>,
  { blobs, scratch }: { readonly blobs: LocalBlobStore; readonly scratch: FileArtefactStore },
  { onProgress, signal }: CallContext,
): Promise<ResultOf<'buildSecondMoment'>> {
  const path = corpus ?? (await open.corpus());
  if (path === undefined) {
    throw new ErrataError(
      'corpus_missing',
      'the model brought no corpus: name a text file to build the statistics from',
    );
  }
  const beyond = layers.find((layer) => layer >= open.shape.layers);
  if (beyond !== undefined) {
    throw new ErrataError('invalid_request', `layer ${beyond} does not exist: the model has ${open.shape.layers}`);
  }
  const { sha256: text } = await digestCorpus(path);
  const key = `moment-sums/${sha256(canonicalJson({ format: secondMomentFormat, model: open.digest, text, layers, tokens }))}`;
  const resume = await storedSums(scratch, key);
  const moments = await buildSecondMoments({
    model: open.model,
    digest: open.digest,
    layers,
    corpus: path,
    tokens,
    ...(ridge !== undefined && { ridge }),
    ...(resume !== undefined && { resume }),
    onProgress: ({ phase, done, total }) =>
      onProgress({ stage: phase === 'sum' ? 'reading' : 'inverting', done, total }),
    onCheckpoint: (sums) => scratch.put(key, encodeMomentSums(sums)),
    signal,
  });
  const artefacts: BuiltArtefact[] = [];
  for (const moment of moments) {
    const { sha256: blob, size: bytes } = await blobs.put(encodeSecondMoment(moment));
    artefacts.push({
      kind: 'second_moment',
      scope: layerScope(moment.provenance.layer),
      parameters: {},
      blob,
      bytes,
      details: { ...moment.provenance, size: moment.size },
    });
  }
  await scratch.delete(key);
  return { artefacts };
}

/** Sums that a broken-off build left. Scratch is not trusted: what cannot be read is summed anew. */
async function storedSums(scratch: FileArtefactStore, key: string): Promise<MomentSums | undefined> {
  const bytes = await scratch.get(key);
  if (bytes === undefined) return undefined;
  try {
    return decodeMomentSums(bytes);
  } catch {
    return undefined;
  }
}
