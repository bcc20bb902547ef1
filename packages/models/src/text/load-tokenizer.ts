// The tokenizer of a model directory: which of its forms the files are.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../errors.ts';
import { parseJson } from './forms/parse.ts';
import { tokenizerFromJson } from './forms/tokenizer-json.ts';
import { tokenizerFromVocabAndMerges } from './forms/vocab-and-merges.ts';
import { tokenizerFromVocabTxt } from './forms/vocab-txt.ts';
import type { Tokenizer } from './tokenizer.ts';

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
