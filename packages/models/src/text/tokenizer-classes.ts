// What each tokenizer class of transformers does to whatever its files say: data, a class an entry.

import { z } from 'zod';

/** The parts that a special token can have, in the order in which missing ones are added. */
export const specialNames = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;

export type SpecialName = (typeof specialNames)[number];

/** How an added token is looked for in a text. */
export interface TokenFlags {
  readonly lstrip?: boolean | undefined;
  readonly rstrip?: boolean | undefined;
  readonly single_word?: boolean | undefined;
  readonly normalized?: boolean | undefined;
}

/** The forms that a tokenizer comes in, by their first file. */
export type TokenizerForm = 'tokenizer.json' | 'vocab.json' | 'vocab.txt';

/** How the two files vocab.json and merges.txt are to be read. */
export type MergesKind = 'gpt2' | 'qwen2' | 'roberta';

/** A tokenizer class, as far as it goes beyond the document that a tokenizer.json is. */
export interface TokenizerClass {
  /** Special tokens where no file names others. */
  readonly specials: Partial<Readonly<Record<SpecialName, string>>>;
  /** Flags of special tokens that are named by their bare text. */
  readonly flags?: Partial<Readonly<Record<SpecialName, TokenFlags>>>;
  /** BOS and EOS go around texts as `add_bos_token` and `add_eos_token` say, with these defaults, whatever tokenizer.json says. */
  readonly around?: { readonly bos: boolean; readonly eos: boolean };
  /** `add_prefix_space` where no file says it; without it, tokenizer.json keeps what it has. */
  readonly addPrefixSpace?: false;
  /** Whether letter case, accents and Chinese characters are as tokenizer_config.json says. */
  readonly bertNormalizer?: true;
  /** Default gpt2. */
  readonly merges?: MergesKind;
}

const endOfText = '<|endoftext|>';
const gpt2: TokenizerClass = {
  specials: { bos_token: endOfText, eos_token: endOfText, unk_token: endOfText },
  addPrefixSpace: false,
};
const llama: TokenizerClass = {
  specials: { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' },
  around: { bos: true, eos: false },
};
const bert: TokenizerClass = {
  specials: { unk_token: '[UNK]', sep_token: '[SEP]', pad_token: '[PAD]', cls_token: '[CLS]', mask_token: '[MASK]' },
  addPrefixSpace: false,
  bertNormalizer: true,
};
const plain = { normalized: false };
const roberta: TokenizerClass = {
  specials: {
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
    sep_token: '</s>',
    pad_token: '<pad>',
    cls_token: '<s>',
    mask_token: '<mask>',
  },
  flags: { mask_token: { lstrip: true, normalized: false } },
  addPrefixSpace: false,
  merges: 'roberta',
};

/** Classes by their name without a final Fast (transformers 4.57). */
const classes: Readonly<Record<string, TokenizerClass>> = {
  BartTokenizer: roberta,
  BertTokenizer: bert,
  CodeGenTokenizer: gpt2,
  DistilBertTokenizer: bert,
  GPT2Tokenizer: gpt2,
  GPTNeoXTokenizer: { ...gpt2, around: { bos: false, eos: false } },
  GemmaTokenizer: {
    specials: { bos_token: '<bos>', eos_token: '<eos>', unk_token: '<unk>', pad_token: '<pad>' },
    around: { bos: true, eos: false },
    addPrefixSpace: false,
  },
  LlamaTokenizer: llama,
  PreTrainedTokenizer: { specials: {}, addPrefixSpace: false },
  Qwen2Tokenizer: {
    specials: { eos_token: endOfText, unk_token: endOfText, pad_token: endOfText },
    flags: { bos_token: plain, eos_token: plain, unk_token: plain, pad_token: plain },
    addPrefixSpace: false,
    merges: 'qwen2',
  },
  RobertaTokenizer: roberta,
  T5Tokenizer: { specials: { eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' }, addPrefixSpace: false },
};

/** The class of a family whose files name none. */
const classOfFamily: Readonly<Record<string, string>> = {
  bart: 'BartTokenizer',
  bert: 'BertTokenizer',
  distilbert: 'DistilBertTokenizer',
  gemma2: 'GemmaTokenizer',
  gemma3: 'GemmaTokenizer',
  gemma3_text: 'GemmaTokenizer',
  gpt2: 'GPT2Tokenizer',
  gpt_neox: 'GPTNeoXTokenizer',
  gptj: 'GPT2Tokenizer',
  llama: 'LlamaTokenizer',
  mistral: 'LlamaTokenizer',
  olmo2: 'GPTNeoXTokenizer',
  phi3: 'LlamaTokenizer',
  qwen2: 'Qwen2Tokenizer',
  qwen3: 'Qwen2Tokenizer',
  roberta: 'RobertaTokenizer',
  smollm3: 'PreTrainedTokenizer',
  stablelm: 'GPTNeoXTokenizer',
  t5: 'T5Tokenizer',
};

/** Of a class that is not known nothing is assumed. */
const unknownClass: TokenizerClass = { specials: {} };

const name = z.string().nullish().catch(undefined);
const naming = z.looseObject({ tokenizer_class: name, model_type: name }).catch({});

/**
 * The class of a directory's tokenizer: that of tokenizer_config.json, else of config.json, else its family's.
 * @param tokenizerConfig parsed tokenizer_config.json
 * @param modelConfig parsed config.json
 * @param form what the files are; BERT's are read as BERT's, whatever is said
 */
export function tokenizerClass(tokenizerConfig: unknown, modelConfig: unknown, form: TokenizerForm): TokenizerClass {
  const model = naming.parse(modelConfig);
  const named =
    naming.parse(tokenizerConfig).tokenizer_class ?? model.tokenizer_class ?? classOfFamily[model.model_type ?? ''];
  const found = classes[(named ?? '').replace(/Fast$/, '')];
  if (form === 'vocab.txt') return found?.bertNormalizer ? found : bert;
  return found ?? (form === 'vocab.json' ? gpt2 : unknownClass);
}
