// Tokenizers: tokenizer.json, GPT-2's vocab.json and merges.txt, or BERT's vocab.txt, behind one small interface that also knows its bytes.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { makeTokenBytes } from './token-bytes.ts';
import { mendedNormalizer, mendedPreTokenizer, mendSingleWords } from './tokenizer-mends.ts';

/** An evaluation tokenises one prompt with several targets, on several versions: the last texts are kept, if short. */
const rememberedTexts = 8192;
const rememberedLength = 500;

/** Text to ids and back, as the model's own tokenizer does it. What it keeps from one call to the next changes no answer. */
export interface Tokenizer {
  /** One more than the highest id. A model's embedding may have more rows than this, never fewer. */
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** The id that stands for text outside the vocabulary, where there is one. */
  readonly unknownId: number | undefined;
  /** Special tokens by their text. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Ids that the tokenizer puts in front of every text: Llama's BOS; none for GPT-2. */
  readonly prefixIds: readonly number[];
  /** Ids that the tokenizer puts after every text. Never part of a prompt. */
  readonly suffixIds: readonly number[];
  /** Ids of a text; with `specialTokens`, also the prefix and suffix ids. */
  encode(text: string, options?: { readonly specialTokens?: boolean }): number[];
  /** Ids of a pair of texts with all that belongs around them, and which text each is of: 0 or 1, where the tokenizer tells. */
  encodePair(first: string, second: string): { readonly ids: readonly number[]; readonly types: readonly number[] };
  /**
   * Text of ids that begin a text; some tokenizers drop the space in front of it.
   * @throws ModelError tokenizer_id_unknown
   */
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /**
   * Text that ids add after other text, with its leading space kept and special tokens left out. Bytes that are not yet
   * a whole character give U+FFFD, and so does U+0000, which no database keeps: a model may write anything.
   * @throws ModelError tokenizer_id_unknown
   */
  decodeContinuation(ids: readonly number[]): string;
  /** The token of an id as the vocabulary spells it. */
  idToToken(id: number): string | undefined;
  /** The id of a token as the vocabulary spells it. */
  tokenToId(token: string): number | undefined;
  /**
   * UTF-8 bytes of text that an id stands for, a space mark being a space; undefined for the unknown token.
   * @throws ModelError tokenizer_id_unknown
   */
  tokenBytes(id: number): Uint8Array | undefined;
}

/** Names of the files that make up a tokenizer: what a copy of a model must carry. */
export const tokenizerFileNames = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
  'vocab.txt',
  'added_tokens.json',
  'tokenizer.model',
] as const;

/** Far above any real vocabulary (the largest have 262,144 tokens); keeps a hostile id from claiming memory. */
const maximumVocabulary = 4_000_000;

const tokenId = z.number().int().min(0).max(maximumVocabulary);

const addedTokenSchema = z.looseObject({
  id: tokenId,
  content: z.string().min(1),
  special: z.boolean().optional(),
  single_word: z.boolean().optional(),
  normalized: z.boolean().optional(),
});

const modelSchema = z.looseObject({
  type: z.string().optional(),
  vocab: z.union([z.record(z.string(), tokenId), z.array(z.tuple([z.string(), z.number()])).max(maximumVocabulary)]),
  unk_token: z.string().nullish(),
  unk_id: tokenId.nullish(),
  byte_fallback: z.boolean().nullish(),
});

const part = z.looseObject({ type: z.string() }).nullish();

const tokenizerJsonSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).default([]),
  normalizer: part,
  pre_tokenizer: part,
  post_processor: part,
  decoder: part,
  model: modelSchema,
});

/** A parsed tokenizer.json, as far as this package looks into it. */
type TokenizerJson = z.infer<typeof tokenizerJsonSchema>;

const namedToken = z
  .union([z.string(), z.looseObject({ content: z.string() })])
  .nullish()
  .transform((token) => (typeof token === 'object' ? (token?.content ?? undefined) : token));

const specialsSchema = z.looseObject({ bos_token: namedToken, eos_token: namedToken });

type Specials = z.infer<typeof specialsSchema>;

function malformed(where: string, what: string, cause?: unknown): ModelError {
  return new ModelError('tokenizer_malformed', {
    where,
    what,
    hint: 'Export the tokenizer again with transformers (save_pretrained)',
    cause,
  });
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(where, `the file is not valid JSON (${(cause as Error).message})`, cause);
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw malformed(where, `${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
}

/**
 * A tokenizer from the contents of tokenizer.json.
 * @param json the parsed file
 * @param options.config parsed tokenizer_config.json and special_tokens_map.json, which name BOS and EOS; the first
 * that names one wins
 * @throws ModelError tokenizer_malformed, tokenizer_unsupported
 */
export function tokenizerFromJson(
  json: unknown,
  options: { readonly config?: readonly unknown[]; readonly where?: string } = {},
): Tokenizer {
  const where = options.where ?? 'tokenizer.json';
  const parsed = check(tokenizerJsonSchema, json, where);
  const specials = (options.config ?? []).map((config) => check(specialsSchema, config, where));
  let inner: HuggingFaceTokenizer;
  try {
    // Clean-up of spaces before punctuation would break decode(encode(text)) === text; older configs ask for it.
    inner = new HuggingFaceTokenizer(
      {
        post_processor: null,
        decoder: null,
        ...parsed,
        normalizer: parsed.normalizer ? mendedNormalizer(parsed.normalizer) : null,
        pre_tokenizer: parsed.pre_tokenizer ? mendedPreTokenizer(parsed.pre_tokenizer) : null,
      },
      { clean_up_tokenization_spaces: false },
    );
    mendSingleWords(inner, parsed.added_tokens);
  } catch (cause) {
    throw new ModelError('tokenizer_unsupported', {
      where,
      what: `the tokenizer cannot be built (${(cause as Error).message})`,
      hint: 'BPE, Unigram and WordPiece models with the usual parts are supported',
      cause,
    });
  }
  return wrap(inner, parsed, specials, where);
}

function wrap(
  inner: HuggingFaceTokenizer,
  json: TokenizerJson,
  specials: readonly Specials[],
  where: string,
): Tokenizer {
  const vocabulary = inner.get_vocab();
  let vocabSize = 0;
  for (const id of vocabulary.values()) vocabSize = Math.max(vocabSize, id + 1);
  const specialTokens = new Map(
    json.added_tokens.filter((token) => token.special).map((token) => [token.content, token.id]),
  );
  const unknownToken = json.model.unk_token ?? undefined;
  const unknownId = json.model.unk_id ?? (unknownToken === undefined ? undefined : inner.token_to_id(unknownToken));
  const tokenBytes = makeTokenBytes(json, (id) => inner.id_to_token(id));

  const nameOf = (key: 'bos_token' | 'eos_token'): string | undefined =>
    specials.map((config) => config[key]).find((name) => name !== undefined && name !== null) ?? undefined;
  const idOf = (key: 'bos_token' | 'eos_token'): number | undefined => {
    const name = nameOf(key);
    return name === undefined ? undefined : inner.token_to_id(name);
  };
  const checkId = (id: number): number => {
    if (Number.isInteger(id) && id >= 0 && inner.id_to_token(id) !== undefined) return id;
    throw new ModelError('tokenizer_id_unknown', {
      where,
      what: `there is no token with id ${id}`,
      hint: `Ids run from 0 to ${vocabSize - 1}; the model's vocabulary may be padded beyond them`,
    });
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
    bosId: idOf('bos_token'),
    eosId: idOf('eos_token'),
    unknownId,
    specialTokens,
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
      const pieces: Uint8Array[] = [];
      for (const id of ids) {
        checkId(id);
        if (specialTokens.get(inner.id_to_token(id)!) === id && id !== unknownId) continue;
        pieces.push(id === unknownId ? Buffer.from(inner.id_to_token(id)!) : tokenBytes(id));
      }
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(pieces));
      return text.replaceAll('\0', '\ufffd');
    },
    idToToken: (id) => inner.id_to_token(id),
    tokenToId: (token) => inner.token_to_id(token),
    tokenBytes: (id) => (checkId(id) === unknownId ? undefined : tokenBytes(id)),
  };
}

/**
 * GPT-2's byte-level BPE from its two old files, as the tokenizer.json that transformers would convert them to.
 * @param vocabJson text of vocab.json: token to id
 * @param mergesText text of merges.txt: one merge a line, after an optional `#version` line
 * @throws ModelError tokenizer_malformed
 */
export function tokenizerFromVocabAndMerges(
  vocabJson: string,
  mergesText: string,
  options: { readonly config?: readonly unknown[]; readonly where?: string; readonly addPrefixSpace?: boolean } = {},
): Tokenizer {
  const where = options.where ?? 'vocab.json';
  const vocab = check(z.record(z.string(), tokenId), parseJson(vocabJson, where), where);
  const lines = mergesText.split('\n');
  const merges: [string, string][] = [];
  for (const [index, rawLine] of lines.entries()) {
    const line = rawLine.endsWith('\r') ? rawLine.slice(0, -1) : rawLine;
    if (line === '' || (index === 0 && line.startsWith('#version'))) continue;
    const [left, right, ...more] = line.split(' ');
    if (!left || !right || more.length > 0) {
      throw malformed(where, `line ${index + 1} of the merges is not two tokens separated by one space`);
    }
    if (!Object.hasOwn(vocab, left + right)) {
      throw malformed(
        where,
        `line ${index + 1} of the merges makes ${JSON.stringify(left + right)}, not in the vocabulary`,
      );
    }
    merges.push([left, right]);
  }
  const endOfText = '<|endoftext|>';
  const endId = vocab[endOfText];
  const byteLevel = {
    type: 'ByteLevel',
    add_prefix_space: options.addPrefixSpace ?? false,
    trim_offsets: true,
    use_regex: true,
  };
  return tokenizerFromJson(
    {
      added_tokens:
        endId === undefined
          ? []
          : [
              {
                id: endId,
                content: endOfText,
                single_word: false,
                lstrip: false,
                rstrip: false,
                normalized: false,
                special: true,
              },
            ],
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: byteLevel,
      decoder: byteLevel,
      model: { type: 'BPE', vocab, merges, fuse_unk: false, byte_fallback: false, ignore_merges: false },
    },
    {
      where,
      config: [...(options.config ?? []), endId === undefined ? {} : { bos_token: endOfText, eos_token: endOfText }],
    },
  );
}

const bertConfigSchema = z.looseObject({
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  unk_token: namedToken,
  cls_token: namedToken,
  sep_token: namedToken,
  pad_token: namedToken,
  mask_token: namedToken,
});

/**
 * BERT's WordPiece from its one old file, as the tokenizer.json that transformers would convert it to.
 * @param vocabText text of vocab.txt: a token a line, its id being the number of the line
 * @param options.config parsed tokenizer_config.json and special_tokens_map.json: letter case, and the names of special tokens
 * @throws ModelError tokenizer_malformed
 */
export function tokenizerFromVocabTxt(
  vocabText: string,
  options: { readonly config?: readonly unknown[]; readonly where?: string } = {},
): Tokenizer {
  const where = options.where ?? 'vocab.txt';
  const tokens = vocabText.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  while (tokens.at(-1) === '') tokens.pop();
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const configs = (options.config ?? []).map((config) => check(bertConfigSchema, config, where));
  const said = Object.assign({}, ...configs.toReversed()) as z.infer<typeof bertConfigSchema>;
  const special = (name: string): readonly [string, number] => {
    if (!Object.hasOwn(vocab, name)) throw malformed(where, `it has no line ${name}`);
    return [name, vocab[name]!];
  };
  const unknown = special(said.unk_token ?? '[UNK]');
  const first = special(said.cls_token ?? '[CLS]');
  const last = special(said.sep_token ?? '[SEP]');
  const rest = [said.pad_token ?? '[PAD]', said.mask_token ?? '[MASK]'].filter((name) => Object.hasOwn(vocab, name));
  return tokenizerFromJson(
    {
      added_tokens: [unknown, first, last, ...rest.map(special)]
        .toSorted((a, b) => a[1] - b[1])
        .map(([content, id]) => ({
          id,
          content,
          single_word: false,
          lstrip: false,
          rstrip: false,
          normalized: false,
          special: true,
        })),
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: said.tokenize_chinese_chars ?? true,
        strip_accents: said.strip_accents ?? null,
        lowercase: said.do_lower_case ?? true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: { type: 'BertProcessing', cls: first, sep: last },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: unknown[0],
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab,
      },
    },
    { where },
  );
}

/**
 * The tokenizer of a model directory: tokenizer.json, else vocab.json with merges.txt, else vocab.txt; BOS and EOS are named by
 * tokenizer_config.json or special_tokens_map.json.
 * @throws ModelError tokenizer_missing, tokenizer_malformed, tokenizer_unsupported
 */
export function loadTokenizer(directory: string): Tokenizer {
  const read = (name: string): string | undefined => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  };
  const config: unknown[] = [];
  for (const name of ['tokenizer_config.json', 'special_tokens_map.json']) {
    const text = read(name);
    if (text !== undefined) config.push(parseJson(text, join(directory, name)));
  }
  const json = read('tokenizer.json');
  if (json !== undefined) {
    const where = join(directory, 'tokenizer.json');
    return tokenizerFromJson(parseJson(json, where), { where, config });
  }
  const vocab = read('vocab.json');
  const merges = read('merges.txt');
  const words = read('vocab.txt');
  if ((vocab === undefined || merges === undefined) && words !== undefined)
    return tokenizerFromVocabTxt(words, { where: join(directory, 'vocab.txt'), config });
  if (vocab === undefined || merges === undefined) {
    throw new ModelError('tokenizer_missing', {
      where: directory,
      what: 'there is no tokenizer.json, no vocab.json with merges.txt and no vocab.txt',
      hint: 'Copy the tokenizer files of the model there; sentencepiece files must be converted to tokenizer.json',
    });
  }
  const first = config[0] as { add_prefix_space?: unknown } | undefined;
  return tokenizerFromVocabAndMerges(vocab, merges, {
    where: join(directory, 'vocab.json'),
    config,
    addPrefixSpace: first?.add_prefix_space === true,
  });
}
