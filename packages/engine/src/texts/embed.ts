// Vectors of texts by stored sentence encoders, the last few of which are held.
import type { LocalBlobStore } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import { decodeSentenceEncoder, type Encoder } from '@errata/models';
import { LRUCache } from 'lru-cache';
import type { ParamsOf, ResultOf } from '../calls/index.ts';

const encodersKept = 2;

/** @returns a function that throws ErrataError `blob_missing`, `blob_corrupt`, `prompt_too_long`; ModelError content_malformed */
export function createEmbedder(blobs: LocalBlobStore): (params: ParamsOf<'embed'>) => Promise<ResultOf<'embed'>> {
  const held = new LRUCache<string, Promise<Encoder>>({
    max: encodersKept,
    // Whoever embeds with it at this moment is done first.
    dispose: (encoder) => void encoder.then(({ release }) => release()).catch(() => {}),
  });
  const encoderOf = (blob: string): Promise<Encoder> => {
    const known = held.get(blob);
    if (known !== undefined) return known;
    const opened = blobs.get(blob).then((bytes) => decodeSentenceEncoder(bytes, `artefact ${blob}`));
    held.set(blob, opened);
    opened.catch(() => held.delete(blob));
    return opened;
  };

  return async ({ encoder: blob, texts }) => {
    const encoder = await encoderOf(blob);
    const { prefixIds, suffixIds, encode } = encoder.tokenizer!;
    const tokens = texts.map((text) => prefixIds.length + encode(text).length + suffixIds.length);
    const { longest } = encoder.settings;
    for (const [index, count] of tokens.entries())
      if (count > longest)
        throw new ErrataError(
          'prompt_too_long',
          `text ${index} has ${count} tokens, and the sentence encoder reads ${longest}`,
          { details: { index, tokens: count, longest } },
        );
    return { vectors: await encoder.embed(texts), width: encoder.width, tokens };
  };
}
