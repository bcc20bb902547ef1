// What a Qwen2's config.json means where it differs from a Llama's.

import { expect, it } from 'vitest';
import { decoderSpec } from './index.ts';

const qwen2 = {
  model_type: 'qwen2',
  vocab_size: 50,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  sliding_window: 128,
};

it('minds its window only where the config turns it on for a layer that it has', () => {
  const windows = (extra: object) => decoderSpec({ ...qwen2, ...extra }).blocks.map(({ window }) => window);
  const [full, sliding] = ['full_attention', 'sliding_attention'];
  expect(windows({})).toEqual([undefined, undefined]);
  expect(windows({ use_sliding_window: true })).toEqual([undefined, undefined]);
  expect(windows({ use_sliding_window: true, max_window_layers: 1 })).toEqual([undefined, 128]);
  expect(windows({ use_sliding_window: true, layer_types: [sliding, full] })).toEqual([128, undefined]);
  expect(windows({ use_sliding_window: true, layer_types: [full, full] })).toEqual([undefined, undefined]);
});

it('has biases on queries, keys and values alone', () => {
  const biases = [...decoderSpec(qwen2).parameters.keys()].filter((name) => /layers\.0\..*bias$/.test(name));
  expect(biases.map((name) => name.split('.').at(-2))).toEqual(['q_proj', 'k_proj', 'v_proj']);
});
