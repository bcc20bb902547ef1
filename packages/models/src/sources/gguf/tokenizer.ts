// The vocabulary of a GGUF file as the tokenizer.json and tokenizer_config.json that it amounts to.

import { ModelError } from '../../errors.ts';
import { mergesByScore } from './merges-by-score.ts';
import type { Metadata } from './metadata.ts';
import { splittings, unnamedSplittings, withSpaceInFront } from './splitting.ts';

/** The two files, parsed. */
export interface TokenizerFiles {
  readonly tokenizer: Readonly<Record<string, unknown>>;
  readonly config: Readonly<Record<string, unknown>>;
}

/** What kind of token one is, by the format's numbers. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** What a vocabulary of some kind needs beside its tokens. */
interface Vocabulary {
  readonly metadata: Metadata;
  readonly architecture: string;
  readonly tokens: readonly string[];
  readonly ids: Readonly<Record<string, number>>;
  readonly types: readonly number[];
  readonly tokenOf: (key: string) => string | undefined;
  readonly refuse: (what: string) => never;
}

/** The parts of a tokenizer.json that depend on the kind of vocabulary. */
interface Parts {
  readonly normalizer: unknown;
  readonly pre_tokenizer: unknown;
  readonly decoder: unknown;
  readonly model: Readonly<Record<string, unknown>>;
  readonly addBos: boolean;
}

const bpe = {
  type: 'BPE',
  dropout: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
};

/** Byte-level BPE, as of GPT-2. */
function byteLevelParts({ metadata, architecture, ids, refuse }: Vocabulary): Parts {
  const named = metadata.text('tokenizer.ggml.pre');
  const table = named === undefined || named === 'default' ? unnamedSplittings : splittings;
  const key = named === undefined || named === 'default' ? architecture : named;
  const splitting = Object.hasOwn(table, key) ? table[key]! : undefined;
  if (splitting === undefined) {
    return refuse(
      `its texts are split ${named === undefined ? 'in a way that it does not name' : `by ${JSON.stringify(named)}`}; known are ${Object.keys(splittings).join(', ')}`,
    );
  }
  const merges = metadata.texts('tokenizer.ggml.merges') ?? refuse('it has no merges');
  return {
    normalizer: splitting.normalizer ?? null,
    pre_tokenizer:
      (metadata.flag('tokenizer.ggml.add_space_prefix') ?? false)
        ? withSpaceInFront(splitting.preTokenizer)
        : splitting.preTokenizer,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      ...bpe,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: splitting.ignoreMerges ?? false,
      vocab: ids,
      merges,
    },
    addBos: splitting.addBos ?? false,
  };
}

/** SentencePiece's BPE, as of Llama: merges follow from scores, and bytes stand in for characters that have no token. */
function sentencePieceParts({ metadata, tokens, ids, types, tokenOf, refuse }: Vocabulary): Parts {
  const scores = metadata.numbers('tokenizer.ggml.scores') ?? refuse('it has no scores');
  const spaceInFront = metadata.flag('tokenizer.ggml.add_space_prefix') ?? true;
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' };
  const back = { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' };
  return {
    normalizer: spaceInFront
      ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '\u2581' }, replace] }
      : replace,
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        back,
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(spaceInFront ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      ...bpe,
      unk_token: tokenOf('unknown_token_id') ?? null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: ids,
      merges: mergesByScore(tokens, ids, scores, types),
    },
    addBos: true,
  };
}

/** By what `tokenizer.ggml.model` calls them. */
const vocabularies: Readonly<Record<string, (vocabulary: Vocabulary) => Parts>> = {
  gpt2: byteLevelParts,
  llama: sentencePieceParts,
};

/**
 * @param where what errors call the file
 * @returns undefined for a file without a vocabulary
 * @throws ModelError gguf_unsupported, gguf_malformed
 */
export function tokenizerFiles(where: string, architecture: string, metadata: Metadata): TokenizerFiles | undefined {
  const refuse = (what: string): never => {
    throw new ModelError('gguf_unsupported', { where, what, hint: 'Take the model in Hugging Face layout' });
  };
  const kind = metadata.text('tokenizer.ggml.model') ?? 'no_vocab';
  const tokens = metadata.texts('tokenizer.ggml.tokens');
  if (kind === 'no_vocab' || kind === 'none' || tokens === undefined) return undefined;
  const partsOf = Object.hasOwn(vocabularies, kind) ? vocabularies[kind]! : undefined;
  if (partsOf === undefined) {
    return refuse(
      `its vocabulary is of the kind ${JSON.stringify(kind)}; read are ${Object.keys(vocabularies).join(', ')}`,
    );
  }
  const types = metadata.numbers('tokenizer.ggml.token_type') ?? tokens.map(() => 1);
  const ids = Object.fromEntries(tokens.map((token, id) => [token, id]));
  if (types.length !== tokens.length || Object.keys(ids).length !== tokens.length) {
    throw new ModelError('gguf_malformed', {
      where,
      what: `its vocabulary has ${tokens.length} tokens, ${Object.keys(ids).length} of them different, and ${types.length} kinds`,
      hint: 'Convert the model again, or take the file from somewhere else',
    });
  }
  const tokenOf = (key: string): string | undefined => {
    const id = metadata.number(`tokenizer.ggml.${key}`);
    return id === undefined ? undefined : tokens[id];
  };
  const { addBos, ...parts } = partsOf({ metadata, architecture, tokens, ids, types, tokenOf, refuse });
  const [bos, eos] = [tokenOf('bos_token_id'), tokenOf('eos_token_id')];
  const front = (metadata.flag('tokenizer.ggml.add_bos_token') ?? addBos) ? bos : undefined;
  const behind = (metadata.flag('tokenizer.ggml.add_eos_token') ?? false) ? eos : undefined;
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: tokens.flatMap((content, id) =>
        types[id] === tokenTypes.control || types[id] === tokenTypes.userDefined
          ? [
              {
                id,
                content,
                single_word: false,
                lstrip: false,
                rstrip: false,
                normalized: false,
                special: types[id] === tokenTypes.control,
              },
            ]
          : [],
      ),
      ...parts,
      post_processor: around(front, behind, ids),
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: bos ?? null,
      eos_token: eos ?? null,
      unk_token: tokenOf('unknown_token_id') ?? null,
      pad_token: tokenOf('padding_token_id') ?? null,
      clean_up_tokenization_spaces: false,
      ...(metadata.text('tokenizer.chat_template') !== undefined && {
        chat_template: metadata.text('tokenizer.chat_template'),
      }),
    },
  };
}

/** What puts tokens around every text. */
function around(
  front: string | undefined,
  behind: string | undefined,
  ids: Readonly<Record<string, number>>,
): Readonly<Record<string, unknown>> | null {
  const used = [front, behind].filter((token) => token !== undefined);
  if (used.length === 0) return null;
  const special = (token: string | undefined, type_id: number) =>
    token === undefined ? [] : [{ SpecialToken: { id: token, type_id } }];
  const text = (id: 'A' | 'B', type_id: number) => [
    ...special(front, type_id),
    { Sequence: { id, type_id } },
    ...special(behind, type_id),
  ];
  return {
    type: 'TemplateProcessing',
    single: text('A', 0),
    pair: [...text('A', 0), ...text('B', 1)],
    special_tokens: Object.fromEntries(used.map((token) => [token, { id: token, ids: [ids[token]], tokens: [token] }])),
  };
}
