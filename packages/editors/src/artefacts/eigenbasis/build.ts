// Builds and reads eigenvectors of second moments, one layer after another.
import { ErrataError, layerOfScope } from '@errata/contracts';
import type { ArtefactBuilder } from '../builder.ts';
import { builder as secondMoments } from '../second-moment/build.ts';
import { layersOf, type MomentFields, secondMomentOf } from '../second-moment/request.ts';
import { decodeEigenbasis, type Eigenbasis, encodeEigenbasis, findEigenbasis } from './eigenbasis.ts';

export const builder: ArtefactBuilder<Eigenbasis> = {
  /** Those of the second moments; nothing is known of them where there is no text, and stored ones are taken. */
  parameters: async (needs, input) => {
    const { corpus = input.corpus }: MomentFields = input.request;
    if (corpus === undefined) return needs.map(() => ({ corpus: null, tokens: null, ridge: null }));
    return secondMoments.parameters(layersOf(needs).map(secondMomentOf), input);
  },

  async *build(needs, _, { parents, onProgress, signal }) {
    for (const [done, layer] of layersOf(needs).entries()) {
      onProgress?.({ stage: 'finding eigenvectors', done, total: needs.length });
      signal?.throwIfAborted();
      const moment = await parents.read(secondMoments, secondMomentOf(layer));
      const basis = await findEigenbasis(moment);
      const { size, values } = basis;
      const { tokens, corpus_sha256 } = moment.provenance;
      yield {
        bytes: encodeEigenbasis(basis),
        details: { layer, size, tokens, corpus_sha256, largest: values[0]!, smallest: values.at(-1)! },
      };
    }
  },

  decode(bytes, { model, scope }) {
    const basis = decodeEigenbasis(bytes);
    if (basis.model !== model || basis.layer !== layerOfScope(scope))
      throw new ErrataError('artefact_missing', `the stored eigenvectors of ${scope} are another's`, {
        details: { kind: 'eigenbasis', model, scope, found: { model: basis.model, layer: basis.layer } },
      });
    return basis;
  },
};
