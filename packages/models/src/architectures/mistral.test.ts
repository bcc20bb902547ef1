// What a Mistral's config.json means where it differs from a Llama's.

import { expect, it } from 'vitest';
import { decoderSpec } from './index.ts';

const mistral = {
  model_type: 'mistral',
  vocab_size: 50,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};

it('is served as far as its window does nothing: in full without one, else up to its length', () => {
  const context = (extra: object) => decoderSpec({ ...mistral, ...extra }).context;
  expect(context({ max_position_embeddings: 32_768, sliding_window: null })).toBe(32_768);
  expect(context({ max_position_embeddings: 32_768, sliding_window: 4096 })).toBe(4096);
  expect(context({ max_position_embeddings: 512, sliding_window: 4096 })).toBe(512);
  expect(context({})).toBe(4096);
});

it('has no biases, whatever a Llama of that config would have', () => {
  const spec = decoderSpec({ ...mistral, attention_bias: true, mlp_bias: true } as never);
  expect([...spec.parameters.keys()].filter((name) => name.endsWith('.bias'))).toEqual([]);
});
