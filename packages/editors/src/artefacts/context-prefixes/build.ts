// Draws and reads context prefixes: once for a base model, its settings and a seed.
import { ErrataError } from '@errata/contracts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import type { ArtefactBuilder } from '../builder.ts';
import {
  type ContextPrefixes,
  decodeContextPrefixes,
  encodeContextPrefixes,
  prefixSampler,
  sampleContextPrefixes,
} from './context-prefixes.ts';
import type { PrefixSettings } from './request.ts';

export const builder: ArtefactBuilder<ContextPrefixes> = {
  parameters: async (needs) => needs.map(({ parameters }) => parameters),

  async *build(needs, { model, digest }, { onProgress, signal }) {
    const sample = prefixSampler(model.view(), requireTokenizer({ model }));
    for (const [done, { parameters }] of needs.entries()) {
      onProgress?.({ stage: 'sampling', done, total: needs.length });
      const prefixes = await sampleContextPrefixes(digest, parameters as unknown as PrefixSettings, sample, signal);
      const { texts, digest: content } = prefixes;
      yield { bytes: encodeContextPrefixes(prefixes), details: { texts: texts.length, digest: content } };
    }
  },

  decode(bytes, { model }) {
    const prefixes = decodeContextPrefixes(bytes);
    if (prefixes.model !== model)
      throw new ErrataError('artefact_missing', "the stored context prefixes are another model's", {
        details: { kind: 'context_prefixes', model, found: prefixes.model },
      });
    return prefixes;
  },
};
