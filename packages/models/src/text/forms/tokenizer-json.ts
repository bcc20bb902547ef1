// A tokenizer from tokenizer.json.

import { z } from 'zod';
import { buildTokenizer } from '../build-tokenizer.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { tokenizerDocumentSchema } from '../tokenizer-document.ts';
import { check, namedToken } from './parse.ts';

const specialsSchema = z.looseObject({ bos_token: namedToken, eos_token: namedToken });

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
  const document = check(tokenizerDocumentSchema, json, where);
  const specials = (options.config ?? []).map((config) => check(specialsSchema, config, where));
  const nameOf = (key: 'bos_token' | 'eos_token'): string | undefined =>
    specials.map((config) => config[key]).find((name) => name !== undefined && name !== null) ?? undefined;
  return buildTokenizer(document, { bos: nameOf('bos_token'), eos: nameOf('eos_token') }, where);
}
