// Gemma 3 (Gemma Team 2025), and the text part of its models that see: norms in front and behind, of queries and keys too, windows.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';
import { ropeSchema, rotaryOf } from './rotary.ts';

const layerTypes = ['full_attention', 'sliding_attention'] as const;

const schema = z.looseObject({
  ...gatedDecoderFields,
  // Published configs leave out what their authors' code has by default.
  vocab_size: count.default(262_208),
  num_attention_heads: count.default(8),
  num_key_value_heads: count.default(4),
  head_dim: count.default(256),
  hidden_activation: z.string().default('gelu_pytorch_tanh'),
  rope_theta: z.number().positive().default(1_000_000),
  rope_local_base_freq: z.number().positive().default(10_000),
  rope_parameters: z.partialRecord(z.enum(layerTypes), ropeSchema).nullish(),
  tie_word_embeddings: z.boolean().default(true),
  max_position_embeddings: count.default(131_072),
  attention_bias: z.boolean().default(false),
  query_pre_attn_scalar: z.number().positive().default(256),
  sliding_window: count.default(4096),
  sliding_window_pattern: count.default(6),
  layer_types: z.array(z.enum(layerTypes)).nullish(),
  final_logit_softcapping: z.null().optional(),
  use_bidirectional_attention: z.literal(false).default(false),
});

/** Five layers of six attend within a window, and rotate by a base of their own. */
export const gemma3Text = architecture(schema, (c, names) => {
  const sliding = (layer: number) =>
    c.layer_types ? c.layer_types[layer] === 'sliding_attention' : (layer + 1) % c.sliding_window_pattern !== 0;
  const { full_attention: far, sliding_attention: near } = c.rope_parameters ?? {};
  const rotaries = {
    far: rotaryOf(
      far ? { rope_parameters: far } : { rope_theta: c.rope_theta, rope_scaling: c.rope_scaling },
      c.head_dim,
    ),
    near: rotaryOf(near ? { rope_parameters: near } : { rope_theta: c.rope_local_base_freq }, c.head_dim),
  };
  return {
    ...gatedDecoder({ ...c, hidden_act: c.hidden_activation, rope_parameters: null }, names, {
      context: c.max_position_embeddings,
      biases: { queryKeyValue: c.attention_bias, attentionOutput: c.attention_bias, mlp: false },
      outputNorms: true,
      normOffset: 1,
      headNorms: 'head',
      rotary: (layer) => (sliding(layer) ? rotaries.near : rotaries.far),
      window: (layer) => (sliding(layer) ? c.sliding_window : undefined),
      prefixes: ['language_model.model.', 'model.language_model.'],
    }),
    scoreScale: c.query_pre_attn_scalar ** -0.5,
    embeddingScale: Math.sqrt(c.hidden_size),
  };
});

/** Their text part; what they see with is not read. */
export const gemma3 = architecture(z.looseObject({ text_config: z.looseObject({}) }), (c, names) =>
  gemma3Text(c.text_config, names),
);
