// BERT's WordPiece from its one old file, vocab.txt.

import { z } from 'zod';
import type { Tokenizer } from '../tokenizer.ts';
import { check, malformed, namedToken } from './parse.ts';
import { tokenizerFromJson } from './tokenizer-json.ts';

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
