// Random models small enough to edit in milliseconds, for tests.
import { type DecoderSpec, decoderSpec, type Model, modelFromWeights } from '@errata/models';
import { tinyTokenizer } from './tiny-tokenizer.fixture.ts';

/** Uniform numbers in [-1, 1) from a seed. */
export function randoms(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** config.json of a tiny GPT-2. */
export const tinyGpt2 = {
  model_type: 'gpt2',
  vocab_size: 400,
  n_positions: 64,
  n_embd: 24,
  n_layer: 4,
  n_head: 3,
  n_inner: 40,
};

/** config.json of a tiny Llama with grouped queries and an untied head. */
export const tinyLlama = {
  model_type: 'llama',
  vocab_size: 400,
  max_position_embeddings: 64,
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 4,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  tie_word_embeddings: false,
};

/** config.json of a tiny T5 with gated feed-forward and an untied head. */
export const tinyT5 = {
  model_type: 't5',
  vocab_size: 400,
  d_model: 24,
  d_kv: 8,
  d_ff: 40,
  num_layers: 3,
  num_decoder_layers: 4,
  num_heads: 3,
  n_positions: 64,
  feed_forward_proj: 'gated-gelu',
  tie_word_embeddings: false,
  decoder_start_token_id: 0,
};

/** config.json of a tiny BART. */
export const tinyBart = {
  model_type: 'bart',
  vocab_size: 400,
  d_model: 24,
  encoder_layers: 3,
  decoder_layers: 4,
  encoder_attention_heads: 3,
  decoder_attention_heads: 3,
  encoder_ffn_dim: 40,
  decoder_ffn_dim: 40,
  max_position_embeddings: 64,
};

/** Random weights for a configuration: norms near one, the head wide enough for sure answers, everything else uniform. */
function randomWeights(spec: DecoderSpec, seed: number, scale = 0.35): ReadonlyMap<string, Float32Array> {
  const next = randoms(seed);
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of spec.parameters) {
    const centre = dims.length === 1 && name.endsWith('weight') ? 1 : 0;
    const width = name === spec.head.weight ? 4 * scale : scale;
    const size = dims.reduce((a, b) => a * b, 1);
    weights.set(
      name,
      Float32Array.from({ length: size }, () => centre + width * next()),
    );
  }
  return weights;
}

/** A random model that reads and writes {@link tinyTokenizer}'s words. */
export function tinyModel(config: { readonly model_type: string }, seed = 1): Model {
  const spec = decoderSpec(config);
  const digest = `tiny-${config.model_type}-${seed}`;
  return modelFromWeights(spec, randomWeights(spec, seed), { digest, tokenizer: tinyTokenizer() });
}
