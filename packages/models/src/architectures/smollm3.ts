// SmolLM3 (Bakouch et al. 2025): Llama's decoder, in which every fourth layer knows no positions.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  num_key_value_heads: count.default(4),
  rope_theta: z.number().positive().default(2_000_000),
  max_position_embeddings: count.default(32_768),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
  /** 1 for a layer that rotates, 0 for one that does not. */
  no_rope_layers: z.array(z.number()).nullish(),
  no_rope_layer_interval: count.default(4),
  use_sliding_window: z.boolean().default(false),
  sliding_window: count.nullable().default(null),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
});

export const smollm3 = architecture(schema, (c, names) => {
  const rotates = (layer: number) =>
    c.no_rope_layers ? c.no_rope_layers[layer] !== 0 : (layer + 1) % c.no_rope_layer_interval !== 0;
  const sliding = (layer: number) => (c.layer_types ? c.layer_types[layer] === 'sliding_attention' : !rotates(layer));
  return gatedDecoder(c, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: c.attention_bias, attentionOutput: c.attention_bias, mlp: c.mlp_bias },
    rotary: (layer, usual) => (rotates(layer) ? usual : undefined),
    window: (layer) => (c.use_sliding_window && sliding(layer) ? (c.sliding_window ?? undefined) : undefined),
  });
});
