// A model directory for tests: random weights, a tokenizer of bytes, a little text. Small enough to edit in milliseconds.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decoderSpec, writeCheckpoint } from '../../packages/models/src/index.ts';

/** Uniform numbers in [-1, 1) from a seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export const tinyConfig = {
  model_type: 'gpt2',
  vocab_size: 257,
  n_positions: 96,
  n_embd: 32,
  n_layer: 3,
  n_head: 4,
  n_inner: 64,
  bos_token_id: 256,
  eos_token_id: 256,
};

/** The same as models whose prompts an encoder reads. */
export const tinyOverEncoder = {
  t5: {
    model_type: 't5',
    vocab_size: 257,
    d_model: 32,
    d_kv: 8,
    d_ff: 64,
    num_layers: 2,
    num_decoder_layers: 3,
    num_heads: 4,
    n_positions: 96,
    decoder_start_token_id: 256,
    eos_token_id: 256,
  },
  bart: {
    model_type: 'bart',
    vocab_size: 257,
    d_model: 32,
    encoder_layers: 2,
    decoder_layers: 3,
    encoder_attention_heads: 4,
    decoder_attention_heads: 4,
    encoder_ffn_dim: 64,
    decoder_ffn_dim: 64,
    max_position_embeddings: 96,
    decoder_start_token_id: 256,
    eos_token_id: 256,
  },
} as const;

/** The vocabulary of a byte-level tokenizer without merges: a token a byte, spelled as GPT-2 spells bytes, and an end. */
function byteVocabulary(): Record<string, number> {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const vocabulary: Record<string, number> = {};
  let unprintable = 0;
  for (let byte = 0; byte < 256; byte++) {
    const code = printable(byte) ? byte : 256 + unprintable++;
    vocabulary[String.fromCodePoint(code)] = byte;
  }
  return { ...vocabulary, '<|endoftext|>': 256 };
}

/** Its files by name. */
export const byteTokenizer: ReadonlyMap<string, string> = new Map([
  ['vocab.json', JSON.stringify(byteVocabulary())],
  ['merges.txt', '#version: 0.2\n'],
]);

/** Random weights of a configuration: norms near one, everything else uniform. */
function randomWeights(config: TinyConfig, seed: number): Map<string, Float32Array> {
  const next = randomNumbers(seed);
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of decoderSpec(config).parameters) {
    const centre = dims.length === 1 && name.endsWith('weight') ? 1 : 0;
    const size = dims.reduce((a, b) => a * b, 1);
    weights.set(
      name,
      Float32Array.from({ length: size }, () => centre + 0.35 * next()),
    );
  }
  return weights;
}

/** Some thousand bytes of text, always the same. */
export function tinyCorpus(): string {
  const words = 'the a river stone house light green walks over under sings and then but never always'.split(' ');
  const next = randomNumbers(7);
  const word = () => words[Math.floor(((next() + 1) / 2) * words.length)]!;
  return Array.from({ length: 120 }, () => `${Array.from({ length: 8 }, word).join(' ')}.`).join('\n');
}

type TinyConfig = Readonly<Record<string, unknown>> & { readonly model_type: string };

export interface TinyModelOptions {
  /** Default {@link tinyConfig}. */
  readonly config?: TinyConfig;
  readonly seed?: number;
  /** Without a tokenizer only ids can be scored. */
  readonly tokenizer?: boolean;
  /** Contents of errata.json, and the corpus beside it. */
  readonly defaults?: Readonly<Record<string, unknown>> | null;
  /** Further files by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A new directory with a tiny model in Hugging Face layout; the caller removes it. */
export async function writeTinyModel(options: TinyModelOptions = {}): Promise<{ path: string; remove(): void }> {
  const {
    config = tinyConfig,
    seed = 1,
    tokenizer = true,
    defaults = { corpus: 'corpus.txt' },
    files: further = {},
  } = options;
  const root = mkdtempSync(join(tmpdir(), 'errata-tiny-'));
  const path = join(root, 'model');
  const spec = decoderSpec(config);
  const weights = randomWeights(config, seed);
  const files = new Map<string, string>();
  if (tokenizer) for (const [name, text] of byteTokenizer) files.set(name, text);
  if (defaults !== null) {
    files.set('errata.json', JSON.stringify(defaults));
    files.set('corpus.txt', tinyCorpus());
  }
  for (const [name, text] of Object.entries(further)) files.set(name, text);
  await writeCheckpoint(path, {
    config,
    tensors: new Map([...weights].map(([name, data]) => [name, { shape: spec.parameters.get(name)!, data }])),
    files,
  });
  return { path, remove: () => rmSync(root, { recursive: true, force: true }) };
}
