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

it('attends within its window in every layer, and is served in full', () => {
  const windows = (extra: object) => decoderSpec({ ...mistral, ...extra }).blocks.map(({ window }) => window);
  expect(windows({ sliding_window: null })).toEqual([undefined, undefined]);
  expect(windows({ sliding_window: 100 })).toEqual([100, 100]);
  expect(windows({})).toEqual([4096, 4096]);
  expect(decoderSpec({ ...mistral, max_position_embeddings: 32_768, sliding_window: 4096 } as never).context).toBe(
    32_768,
  );
});

it('has no biases, whatever a Llama of that config would have', () => {
  const spec = decoderSpec({ ...mistral, attention_bias: true, mlp_bias: true } as never);
  expect([...spec.parameters.keys()].filter((name) => name.endsWith('.bias'))).toEqual([]);
});
