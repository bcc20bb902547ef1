// What settings beside a tokenizer's document change in it: what goes around texts, a space in front, the case of letters.

import { z } from 'zod';
import type { SpecialName, TokenizerClass } from './tokenizer-classes.ts';
import type { TokenizerDocument } from './tokenizer-document.ts';

const setting = z.boolean().nullish().catch(undefined);
const settingsSchema = z
  .looseObject({
    add_bos_token: setting,
    add_eos_token: setting,
    add_prefix_space: setting,
    do_lower_case: setting,
    strip_accents: setting,
    tokenize_chinese_chars: setting,
  })
  .catch({});

/** The settings of a tokenizer_config.json; what it does not say is undefined. */
export type TokenizerSettings = z.infer<typeof settingsSchema>;

/** Reads the settings of a parsed tokenizer_config.json, if there is one. A setting of a kind that none has is as one not given. */
export const tokenizerSettings = (config: unknown): TokenizerSettings => settingsSchema.parse(config ?? {});

/** Whether a space goes in front of a text, as far as files and class say. */
export const addsPrefixSpace = (settings: TokenizerSettings, kind: TokenizerClass): boolean | null | undefined =>
  settings.add_prefix_space === undefined ? kind.addPrefixSpace : settings.add_prefix_space;

/**
 * The document as the settings change it.
 * @param fromMerges whether it was made of vocab.json and merges.txt: there alone GPT-2's tokenizer reads `add_bos_token`
 * @param named special tokens by their part
 */
export function withSettings(
  document: TokenizerDocument,
  settings: TokenizerSettings,
  kind: TokenizerClass,
  fromMerges: boolean,
  named: ReadonlyMap<SpecialName, string>,
): TokenizerDocument {
  const says = (said: boolean | null | undefined, otherwise: boolean) =>
    said === undefined ? otherwise : said === true;
  const bos = (otherwise: boolean) => (says(settings.add_bos_token, otherwise) ? named.get('bos_token') : undefined);
  const eos = (otherwise: boolean) => (says(settings.add_eos_token, otherwise) ? named.get('eos_token') : undefined);
  const { around, merges = 'gpt2' } = kind;
  const marks = around
    ? { bos: bos(around.bos), eos: eos(around.eos), each: true }
    : fromMerges && merges === 'gpt2' && settings.add_bos_token === true
      ? { bos: bos(false), eos: undefined, each: false }
      : undefined;
  return {
    ...document,
    normalizer: kind.bertNormalizer ? bertNormalizer(document.normalizer, settings) : document.normalizer,
    pre_tokenizer: prefixSpace(document.pre_tokenizer, addsPrefixSpace(settings, kind)),
    post_processor: marks ? template(document, marks) : document.post_processor,
  };
}

type Part = TokenizerDocument['normalizer'];

/** Only a pre-tokenizer that is nothing but byte-level is told, not one in a sequence. */
const prefixSpace = (part: Part, add: boolean | null | undefined): Part =>
  part?.type === 'ByteLevel' && typeof add === 'boolean' ? { ...part, add_prefix_space: add } : part;

const bertNormalizer = (part: Part, settings: TokenizerSettings): Part =>
  part?.type === 'BertNormalizer'
    ? {
        ...part,
        lowercase: settings.do_lower_case ?? true,
        strip_accents: settings.strip_accents ?? null,
        handle_chinese_chars: settings.tokenize_chinese_chars ?? true,
      }
    : part;

/** Texts of the tokens around a text; `each` where they also go around the second of a pair. */
interface Marks {
  readonly bos: string | undefined;
  readonly eos: string | undefined;
  readonly each: boolean;
}

/** What puts the marks around texts, of a pair the second being of type 1. A mark that is no token is left out. */
function template({ added_tokens: added }: TokenizerDocument, { bos, eos, each }: Marks): Part {
  const known = added.filter(({ content }) => content === bos || content === eos);
  const mark = (content: string | undefined, type: number) =>
    known.some((token) => token.content === content) ? [{ SpecialToken: { id: content, type_id: type } }] : [];
  const text = (id: 'A' | 'B', type: number) => [{ Sequence: { id, type_id: type } }];
  const first = [...mark(bos, 0), ...text('A', 0), ...mark(eos, 0)];
  const second = each ? [...mark(bos, 1), ...text('B', 1), ...mark(eos, 1)] : text('B', 1);
  return {
    type: 'TemplateProcessing',
    single: first,
    pair: [...first, ...second],
    special_tokens: Object.fromEntries(
      known.map(({ content, id }) => [content, { id: content, ids: [id], tokens: [content] }]),
    ),
  };
}
