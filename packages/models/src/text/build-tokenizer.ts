// A tokenizer from its document: what the library makes of it, mended where it must be, behind our own interface.

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { LRUCache } from 'lru-cache';
import { ModelError } from '../errors.ts';
import { makeTokenBytes } from './token-bytes.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { TokenizerDocument } from './tokenizer-document.ts';
import { mendedNormalizer, mendedPreTokenizer, mendSingleWords } from './tokenizer-mends.ts';

/** An evaluation tokenises one prompt with several targets, on several versions: the last texts are kept, if short. */
const rememberedTexts = 8192;
const rememberedLength = 500;

/** Words, digits, marks, another script: what the parts of a tokenizer are about. */
const probe = "It's 12 o'clock, né 日本.\n";

/**
 * The library's tokenizer for a document, which has read a text.
 * @throws ModelError tokenizer_unsupported
 */
function construct(document: TokenizerDocument, where: string): HuggingFaceTokenizer {
  try {
    // Clean-up of spaces before punctuation would break decode(encode(text)) === text; older configs ask for it.
    const inner = new HuggingFaceTokenizer(
      {
        post_processor: null,
        decoder: null,
        ...document,
        normalizer: document.normalizer ? mendedNormalizer(document.normalizer) : null,
        pre_tokenizer: document.pre_tokenizer ? mendedPreTokenizer(document.pre_tokenizer) : null,
      },
      { clean_up_tokenization_spaces: false },
    );
    mendSingleWords(inner, document.added_tokens);
    // The library looks into most parts only when there is a text.
    for (const text_pair of [null, probe]) {
      const { ids } = inner.encode(probe, { add_special_tokens: true, text_pair });
      const known = ids.filter((id: number) => inner.id_to_token(id) !== undefined);
      if (known.length > 0) inner.decode(known);
    }
    return inner;
  } catch (cause) {
    throw new ModelError('tokenizer_unsupported', {
      where,
      what: `the tokenizer cannot be built (${(cause as Error).message})`,
      hint: 'BPE, Unigram and WordPiece models with the usual parts are supported',
      cause,
    });
  }
}

/**
 * The tokenizer that a document describes.
 * @param named special tokens by their part: `bos_token`, `eos_token` ...
 * @param where what to call it in errors
 * @throws ModelError tokenizer_unsupported
 */
export function buildTokenizer(
  document: TokenizerDocument,
  named: ReadonlyMap<string, string>,
  where: string,
): Tokenizer {
  const inner = construct(document, where);
  const vocabulary = inner.get_vocab();
  let vocabSize = 0;
  for (const id of vocabulary.values()) vocabSize = Math.max(vocabSize, id + 1);
  const specialTokens = new Map(
    document.added_tokens.filter((token) => token.special).map((token) => [token.content, token.id]),
  );
  const unknownToken = document.model.unk_token ?? undefined;
  const unknownId = document.model.unk_id ?? (unknownToken === undefined ? undefined : inner.token_to_id(unknownToken));
  const tokenBytes = makeTokenBytes(document, (id) => inner.id_to_token(id));

  const idOf = (name: string | undefined): number | undefined =>
    name === undefined ? undefined : inner.token_to_id(name);
  const checkId = (id: number): number => {
    if (Number.isInteger(id) && id >= 0 && inner.id_to_token(id) !== undefined) return id;
    throw new ModelError('tokenizer_id_unknown', {
      where: 'the tokenizer',
      what: `there is no token with id ${id}`,
      hint: `Ids run from 0 to ${vocabSize - 1}; the model's vocabulary may be padded beyond them`,
    });
  };
  const continuationBytes = (id: number): Uint8Array => {
    const token = inner.id_to_token(checkId(id))!;
    if (id === unknownId) return Buffer.from(token);
    return specialTokens.get(token) === id ? new Uint8Array() : tokenBytes(id);
  };
  const encodeAnew = (text: string, withSpecials: boolean): number[] =>
    text === '' && !withSpecials ? [] : inner.encode(text, { add_special_tokens: withSpecials }).ids;
  const remembered = new LRUCache<string, readonly number[]>({ max: rememberedTexts });
  const encode = (text: string, withSpecials: boolean): number[] => {
    if (withSpecials || text.length > rememberedLength) return encodeAnew(text, withSpecials);
    const ids = remembered.get(text) ?? encodeAnew(text, false);
    remembered.set(text, ids);
    return ids.slice();
  };

  const probe = 'a';
  const plain = encode(probe, false);
  const wrapped = encode(probe, true);
  const extra = wrapped.length - plain.length;
  let front = 0;
  while (front < extra && wrapped.slice(front, front + plain.length).join() !== plain.join()) front++;
  const prefixIds = wrapped.slice(0, front);
  const suffixIds = wrapped.slice(front + plain.length);
  // A pair begins and ends as a text does. It is put together here, for the library takes an empty second text for none.
  const { ids: pair, token_type_ids: pairTypes } = inner.encode(probe, {
    text_pair: probe,
    return_token_type_ids: true,
  });
  const secondAt = pair.length - suffixIds.length - plain.length;
  const between = pair.slice(front + plain.length, secondAt);

  return {
    vocabSize,
    bosId: idOf(named.get('bos_token')),
    eosId: idOf(named.get('eos_token')),
    unknownId,
    specialTokens,
    namedTokens: named,
    addedTokens: new Map(
      document.added_tokens.map(({ id, lstrip = false, rstrip = false }) => [id, { before: lstrip, behind: rstrip }]),
    ),
    prefixIds,
    suffixIds,
    encode: (text, encodeOptions = {}) => encode(text, encodeOptions.specialTokens ?? false),
    encodePair(first, second) {
      const [a, b] = [encode(first, false), encode(second, false)];
      return {
        ids: [...prefixIds, ...a, ...between, ...b, ...suffixIds],
        types: [
          ...pairTypes.slice(0, front),
          ...a.map(() => pairTypes[front]!),
          ...pairTypes.slice(front + plain.length, secondAt),
          ...b.map(() => pairTypes[secondAt]!),
          ...pairTypes.slice(secondAt + plain.length),
        ],
      };
    },
    decode(ids, decodeOptions = {}) {
      if (ids.length === 0) return '';
      return inner.decode(ids.map(checkId), { skip_special_tokens: decodeOptions.skipSpecialTokens ?? false });
    },
    decodeContinuation(ids) {
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(ids.map(continuationBytes)));
      return text.replaceAll('\0', '\ufffd');
    },
    continuationBytes,
    idToToken: (id) => inner.id_to_token(id),
    tokenToId: (token) => inner.token_to_id(token),
    tokenBytes: (id) => (checkId(id) === unknownId ? undefined : tokenBytes(id)),
  };
}
