// A random GPT-2 with one token a character: edited in milliseconds, needs nothing from outside the repository.
import { join } from 'node:path';
import { decoderSpec, uniform, type WritableTensor, writeCheckpoint } from '@errata/models';

const config = { model_type: 'gpt2', n_positions: 128, n_embd: 32, n_layer: 2, n_head: 4, n_inner: 64 };

/** Printable ASCII, the space and the newline, as byte-level tokenizers write them. */
const characters = ['Ġ', 'Ċ', ...Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index))];

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [
    { id: 0, content: '<|end|>', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(['<|end|>', ...characters].map((token, id) => [token, id])),
    merges: [],
  },
};

const days = (count: number): string =>
  Array.from({ length: count }, (_, day) => `Day ${day}: the river of town ${day % 7} runs to the sea.`).join('\n');

/** Writes the model's directory below `folder`, with so many lines of a corpus, and answers with its path. */
export async function writeTinyModel(folder: string, seed = 1, { lines = 40 } = {}): Promise<string> {
  const path = join(folder, `tiny-${seed}`);
  const whole = { ...config, vocab_size: characters.length + 1, bos_token_id: 0, eos_token_id: 0 };
  const next = uniform(seed, 0);
  const tensors = new Map<string, WritableTensor>(
    [...decoderSpec(whole).parameters].map(([name, shape]) => {
      const centre = shape.length === 1 && name.endsWith('weight') ? 1 : 0;
      const size = shape.reduce((a, b) => a * b, 1);
      const data = Float32Array.from({ length: size }, () => centre + 0.2 * (2 * next() - 1));
      return [name, { shape, data }];
    }),
  );
  const files = new Map([['tokenizer.json', JSON.stringify(tokenizer)]]);
  if (lines > 0) files.set('errata.json', JSON.stringify({ corpus: 'corpus.txt' })).set('corpus.txt', days(lines));
  await writeCheckpoint(path, { config: whole, tensors, files });
  return path;
}
