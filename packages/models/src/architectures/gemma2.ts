// Gemma 2 (Gemma Team 2024): norms in front and behind, 1 + w their scale, bounded scores and logits, every other layer in a window.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

/** What the config.json of a Gemma says. Published ones leave out what their authors' code has by default. */
export const gemmaFields = {
  ...gatedDecoderFields,
  num_attention_heads: count.default(8),
  num_key_value_heads: count.default(4),
  head_dim: count.default(256),
  hidden_activation: z.string().default('gelu_pytorch_tanh'),
  tie_word_embeddings: z.boolean().default(true),
  attention_bias: z.boolean().default(false),
  query_pre_attn_scalar: z.number().positive().default(256),
  sliding_window: count.default(4096),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  use_bidirectional_attention: z.literal(false).nullish(),
};

const schema = z.looseObject({
  ...gemmaFields,
  vocab_size: count.default(256_000),
  max_position_embeddings: count.default(8192),
  final_logit_softcapping: z.number().positive().nullable().default(30),
  attn_logit_softcapping: z.number().positive().nullable().default(50),
});

export const gemma2 = architecture(schema, (c, names) => {
  const sliding = (layer: number) => (c.layer_types ? c.layer_types[layer] === 'sliding_attention' : layer % 2 === 0);
  return {
    ...gatedDecoder({ ...c, hidden_act: c.hidden_activation }, names, {
      context: c.max_position_embeddings,
      biases: { queryKeyValue: c.attention_bias, attentionOutput: c.attention_bias, mlp: false },
      norms: 'both',
      normOffset: 1,
      window: (layer) => (sliding(layer) ? c.sliding_window : undefined),
    }),
    scoreScale: c.query_pre_attn_scalar ** -0.5,
    scoreCap: c.attn_logit_softcapping ?? undefined,
    logitCap: c.final_logit_softcapping ?? undefined,
    embeddingScale: Math.sqrt(c.hidden_size),
  };
});
