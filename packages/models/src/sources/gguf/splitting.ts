// How byte-level vocabularies of GGUF files split texts before pairs are merged: what `tokenizer.ggml.pre` names.

/** A way to split, as the parts of a tokenizer.json. */
export interface Splitting {
  readonly normalizer?: unknown;
  readonly preTokenizer: unknown;
  /** Whether a piece that is a token as it stands is not built from merges. */
  readonly ignoreMerges?: boolean;
  /** Whether BOS stands in front of every text where the file says nothing of it. */
  readonly addBos?: boolean;
}

const byteLevel = (useRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});
const sequence = (...pretokenizers: readonly unknown[]) => ({ type: 'Sequence', pretokenizers });
const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });

/** GPT-4's way, with numbers cut into so many digits at most. */
const likeGpt4 = (numbers: string): string =>
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
  `${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

const gpt2: Splitting = { preTokenizer: byteLevel(true) };
const singleDigits: Splitting = {
  preTokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)),
};
const llama3: Splitting = {
  preTokenizer: sequence(split(likeGpt4('\\p{N}{1,3}')), byteLevel(false)),
  ignoreMerges: true,
  addBos: true,
};
const qwen2: Splitting = {
  normalizer: { type: 'NFC' },
  preTokenizer: sequence(split(likeGpt4('\\p{N}')), byteLevel(false)),
};

/** The same way, with a space in front of every text that has none. */
export function withSpaceInFront(preTokenizer: unknown): unknown {
  const part = preTokenizer as { readonly type: string; readonly pretokenizers?: readonly unknown[] };
  if (part.type === 'ByteLevel') return { ...part, add_prefix_space: true };
  return part.pretokenizers ? { ...part, pretokenizers: part.pretokenizers.map(withSpaceInFront) } : part;
}

/** By name. Those of one vocabulary have many. */
export const splittings: Readonly<Record<string, Splitting>> = {
  'gpt-2': gpt2,
  'phi-2': gpt2,
  smollm: singleDigits,
  starcoder: singleDigits,
  refact: singleDigits,
  'llama-bpe': llama3,
  llama3: llama3,
  'llama-v3': llama3,
  qwen2,
  'deepseek-r1-qwen': qwen2,
};

/** What files without a name, from before there were any, mean. */
export const unnamedSplittings: Readonly<Record<string, Splitting>> = { gpt2, qwen2, qwen3: qwen2 };
