// The tokenizer of a model directory: which form its files have, and what those beside it say.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { buildTokenizer } from './build-tokenizer.ts';
import { parseJson } from './forms/parse.ts';
import { documentFromJson } from './forms/tokenizer-json.ts';
import { documentFromVocabAndMerges } from './forms/vocab-and-merges.ts';
import { documentFromVocabTxt } from './forms/vocab-txt.ts';
import { tokensSaid, withAddedTokens } from './special-tokens.ts';
import type { Tokenizer } from './tokenizer.ts';
import { type SpecialName, type TokenizerForm, tokenizerClass } from './tokenizer-classes.ts';
import type { TokenizerDocument } from './tokenizer-document.ts';
import { addsPrefixSpace, tokenizerSettings, withSettings } from './tokenizer-settings.ts';

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

/** Gives the text of a file of a directory, undefined where it is not there. */
type ReadText = (name: string) => string | undefined;

/**
 * The tokenizer of a model directory, as the fast tokenizers of transformers take it: tokenizer.json, else vocab.json with merges.txt, else vocab.txt;
 * with the tokens and settings that tokenizer_config.json, special_tokens_map.json and added_tokens.json say, by the rules of its class.
 * @throws ModelError tokenizer_missing, tokenizer_malformed, tokenizer_unsupported
 */
export function loadTokenizer(directory: string): Tokenizer {
  return tokenizerFromFiles((name) => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }, directory);
}

/**
 * The tokenizer that files make up; see {@link loadTokenizer}.
 * @param directory what their place is called in errors
 */
export function tokenizerFromFiles(readText: ReadText, directory: string): Tokenizer {
  const { document, named, where } = documentFromFiles(readText, directory);
  return buildTokenizer(document, named, where);
}

/** What files say of a tokenizer, as one document, and its special tokens by their part. @throws as {@link tokenizerFromFiles} */
export function documentFromFiles(
  readText: ReadText,
  directory: string,
): { readonly document: TokenizerDocument; readonly named: ReadonlyMap<string, string>; readonly where: string } {
  const texts = new Map<string, string | undefined>();
  const read: ReadText = (name) => {
    if (!texts.has(name)) texts.set(name, readText(name));
    return texts.get(name);
  };
  const parsed = (name: string): unknown => {
    const text = read(name);
    return text === undefined ? undefined : parseJson(text, join(directory, name));
  };
  const form = formOf(read, directory);
  const where = join(directory, form);
  const model = parsed('config.json');
  const config = parsed('tokenizer_config.json');
  const kind = tokenizerClass(config, model, form);
  const settings = tokenizerSettings(config);
  const json = form === 'tokenizer.json' ? documentFromJson(parsed(form), where) : undefined;
  const { named, added } = tokensSaid(
    { config, specialTokensMap: parsed('special_tokens_map.json'), addedTokens: parsed('added_tokens.json') },
    kind,
    json?.added_tokens ?? [],
    where,
  );
  const name = (part: SpecialName, otherwise: string) => named.get(part) ?? otherwise;
  const documentOf = {
    'tokenizer.json': () => json!,
    'vocab.json': () =>
      documentFromVocabAndMerges({
        vocab: read('vocab.json')!,
        merges: read('merges.txt')!,
        kind: kind.merges ?? 'gpt2',
        addPrefixSpace: addsPrefixSpace(settings, kind) ?? false,
        around: { first: name('cls_token', '<s>'), last: name('sep_token', '</s>') },
        where,
      }),
    'vocab.txt': () =>
      documentFromVocabTxt(
        read('vocab.txt')!,
        { unknown: name('unk_token', '[UNK]'), first: name('cls_token', '[CLS]'), last: name('sep_token', '[SEP]') },
        where,
      ),
  };
  const document = withAddedTokens(documentOf[form](), added, embeddingRows(model));
  return { document: withSettings(document, settings, kind, form === 'vocab.json', named), named, where };
}

/**
 * A tokenizer from the contents of tokenizer.json alone.
 * @throws ModelError tokenizer_malformed, tokenizer_unsupported
 */
export const tokenizerFromJson = (json: unknown): Tokenizer =>
  buildTokenizer(documentFromJson(json, 'tokenizer.json'), new Map(), 'tokenizer.json');

/**
 * GPT-2's byte-level BPE from its two old files alone.
 * @throws ModelError tokenizer_malformed
 */
export const tokenizerFromVocabAndMerges = (vocab: string, merges: string): Tokenizer =>
  tokenizerFromFiles((name) => ({ 'vocab.json': vocab, 'merges.txt': merges })[name], '');

/** The form of a directory's tokenizer, by its first file. */
function formOf(read: ReadText, directory: string): TokenizerForm {
  const has = (name: string) => read(name) !== undefined;
  if (has('tokenizer.json')) return 'tokenizer.json';
  if (has('vocab.json') && has('merges.txt')) return 'vocab.json';
  if (has('vocab.txt')) return 'vocab.txt';
  throw new ModelError('tokenizer_missing', {
    where: directory,
    what: 'there is no tokenizer.json, no vocab.json with merges.txt and no vocab.txt',
    hint: 'Copy the tokenizer files of the model there; sentencepiece files must be converted to tokenizer.json',
  });
}

const rowsSchema = z.looseObject({ vocab_size: z.number() });

/** Rows of the embedding by a parsed config.json; 0 where it does not say. */
function embeddingRows(config: unknown): number {
  const nested = z.looseObject({ text_config: rowsSchema }).safeParse(config).data?.text_config;
  return (rowsSchema.safeParse(config).data ?? nested)?.vocab_size ?? 0;
}
