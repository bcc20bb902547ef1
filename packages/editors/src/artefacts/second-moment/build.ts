// Builds and reads second moments: several layers in one pass over the text, from the last checkpoint on.
import { type ArtefactNeed, ErrataError, layerOfScope } from '@errata/contracts';
import { fileDigest } from '../../statistics/corpus.ts';
import type { ArtefactBuilder, BuildInput } from '../builder.ts';
import { defaultMomentTokens, layersOf, type MomentFields } from './request.ts';
import { decodeSecondMoment, encodeSecondMoment, type SecondMoment } from './second-moment.ts';
import { buildSecondMoments, decodeMomentSums, encodeMomentSums, type MomentSums } from './sums.ts';

const stages = { sum: 'reading', invert: 'inverting' } as const;

export const builder: ArtefactBuilder<SecondMoment> = {
  async parameters(needs, input) {
    const { tokens, ridge }: MomentFields = input.request;
    // By the text itself: a file of the same name may hold another one by now.
    const corpus = await fileDigest(textFor(needs, input));
    return needs.map(() => ({ corpus, tokens: tokens ?? null, ridge: ridge ?? null }));
  },

  async *build(needs, input, { checkpoint, onProgress, signal }) {
    const { model, digest } = input;
    const { tokens = defaultMomentTokens, ridge }: MomentFields = input.request;
    const layers = layersOf(needs);
    const beyond = layers.find((layer) => layer >= model.spec.layers);
    if (beyond !== undefined)
      throw new ErrataError('invalid_request', `layer ${beyond} does not exist: the model has ${model.spec.layers}`);
    const resume = readSums(await checkpoint.read());
    const built = buildSecondMoments({
      model,
      digest,
      layers,
      corpus: textFor(needs, input),
      tokens,
      ...(ridge !== undefined && { ridge }),
      ...(resume !== undefined && { resume }),
      onProgress: ({ phase, done, total }) => onProgress?.({ stage: stages[phase], done, total }),
      onCheckpoint: (sums) => checkpoint.write(encodeMomentSums(sums)),
      ...(signal !== undefined && { signal }),
    });
    for await (const { moment, convergence } of built)
      yield { bytes: encodeSecondMoment(moment), details: { ...moment.provenance, size: moment.size, ...convergence } };
  },

  decode(bytes, { model, scope }) {
    const moment = decodeSecondMoment(bytes);
    const { provenance } = moment;
    if (provenance.model !== model || provenance.layer !== layerOfScope(scope))
      throw new ErrataError('artefact_missing', `the stored second moment of ${scope} is another's`, {
        details: { kind: 'second_moment', model, scope, found: provenance },
      });
    return moment;
  },
};

function textFor(needs: readonly ArtefactNeed[], { request, corpus: own }: BuildInput): string {
  const { corpus = own }: MomentFields = request;
  if (corpus !== undefined) return corpus;
  const layers = layersOf(needs);
  const where = layers.length === 1 ? `layer ${layers[0]}` : `layers ${layers.join(', ')}`;
  throw new ErrataError(
    'corpus_missing',
    `the second moment of the keys at ${where} is measured over a text, none is stored for this model, and the model came without a ` +
      'text: give one with --corpus FILE',
    { details: { layers } },
  );
}

/** Sums that a broken-off build left. They are not trusted: what cannot be read is summed anew. */
function readSums(bytes: Uint8Array | undefined): MomentSums | undefined {
  if (bytes === undefined) return undefined;
  try {
    return decodeMomentSums(bytes);
  } catch {
    return undefined;
  }
}
