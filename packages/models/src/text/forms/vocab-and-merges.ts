// GPT-2's byte-level BPE from its two old files, vocab.json and merges.txt.

import { z } from 'zod';
import type { Tokenizer } from '../tokenizer.ts';
import { check, malformed, parseJson, tokenId } from './parse.ts';
import { tokenizerFromJson } from './tokenizer-json.ts';

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
