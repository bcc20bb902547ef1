// Byte-level BPE in its two old files, vocab.json and merges.txt, as the document that transformers would convert them to.

import { z } from 'zod';
import type { MergesKind } from '../tokenizer-classes.ts';
import { type TokenizerDocument, tokenizerDocumentSchema } from '../tokenizer-document.ts';
import { check, malformed, parseJson, tokenId } from './parse.ts';

/** The text of the two files, and what else decides how they are read. */
export interface VocabAndMerges {
  /** vocab.json: token to id. */
  readonly vocab: string;
  /** merges.txt: one merge a line, after an optional `#version` line. */
  readonly merges: string;
  readonly kind: MergesKind;
  readonly addPrefixSpace: boolean;
  /** The tokens that RoBERTa puts around a text. */
  readonly around: { readonly first: string; readonly last: string };
  readonly where: string;
}

/** What goes around texts, cuts them into words and makes text of tokens. */
type Parts = Pick<TokenizerDocument, 'normalizer' | 'pre_tokenizer' | 'post_processor'>;

const byteLevel = (addPrefixSpace: boolean, useRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: addPrefixSpace,
  trim_offsets: true,
  use_regex: useRegex,
});

/** The words of Qwen2: contractions, words with a mark before them, single digits, punctuation, and breaks of lines by themselves. */
const qwenWords =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const partsOf: Readonly<Record<MergesKind, (files: VocabAndMerges, idOf: (token: string) => number) => Parts>> = {
  gpt2: ({ addPrefixSpace }) => ({
    normalizer: null,
    pre_tokenizer: byteLevel(addPrefixSpace, true),
    post_processor: byteLevel(true, true),
  }),
  qwen2: ({ addPrefixSpace }) => ({
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: qwenWords }, behavior: 'Isolated', invert: false },
        byteLevel(addPrefixSpace, false),
      ],
    },
    post_processor: byteLevel(true, true),
  }),
  roberta: ({ addPrefixSpace, around: { first, last } }, idOf) => ({
    normalizer: null,
    pre_tokenizer: byteLevel(addPrefixSpace, true),
    post_processor: {
      type: 'RobertaProcessing',
      sep: [last, idOf(last)],
      cls: [first, idOf(first)],
      trim_offsets: true,
      add_prefix_space: addPrefixSpace,
    },
  }),
};

/** @throws ModelError tokenizer_malformed */
export function documentFromVocabAndMerges(files: VocabAndMerges): TokenizerDocument {
  const { where } = files;
  const vocab = check(z.record(z.string(), tokenId), parseJson(files.vocab, where), where);
  const idOf = (token: string): number => {
    if (!Object.hasOwn(vocab, token)) throw malformed(where, `it has no token ${JSON.stringify(token)}`);
    return vocab[token]!;
  };
  return check(
    tokenizerDocumentSchema,
    {
      ...partsOf[files.kind](files, idOf),
      decoder: byteLevel(true, true),
      model: {
        type: 'BPE',
        vocab,
        merges: readMerges(files.merges, vocab, where),
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
      },
    },
    where,
  );
}

function readMerges(text: string, vocab: Readonly<Record<string, number>>, where: string): [string, string][] {
  const merges: [string, string][] = [];
  for (const [index, rawLine] of text.split('\n').entries()) {
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
  return merges;
}
