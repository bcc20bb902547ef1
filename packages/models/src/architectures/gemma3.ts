// Gemma 3 (Gemma Team 2025), and the text part of its models that see: norms in front and behind, of queries and keys too, windows.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder } from './gated-decoder.ts';
import { gemmaFields } from './gemma2.ts';
import { ropeSchema, rotaryOf } from './rotary.ts';

const schema = z.looseObject({
  ...gemmaFields,
  vocab_size: count.default(262_208),
  max_position_embeddings: count.default(131_072),
  rope_theta: z.number().positive().default(1_000_000),
  rope_local_base_freq: z.number().positive().default(10_000),
  rope_parameters: z.partialRecord(z.enum(['full_attention', 'sliding_attention']), ropeSchema).nullish(),
  sliding_window_pattern: count.default(6),
  final_logit_softcapping: z.number().positive().nullish(),
});

/** Five layers of six attend within a window, and rotate by a base of their own. */
export const gemma3Text = architecture(schema, (c, names) => {
  const sliding = (layer: number) =>
    c.layer_types ? c.layer_types[layer] === 'sliding_attention' : (layer + 1) % c.sliding_window_pattern !== 0;
  const { full_attention: far, sliding_attention: local } = c.rope_parameters ?? {};
  const near = rotaryOf(local ? { rope_parameters: local } : { rope_theta: c.rope_local_base_freq }, c.head_dim);
  const rope = far ? { rope_parameters: far, rope_scaling: null } : { rope_parameters: null };
  return {
    ...gatedDecoder({ ...c, ...rope, hidden_act: c.hidden_activation }, names, {
      context: c.max_position_embeddings,
      biases: { queryKeyValue: c.attention_bias, attentionOutput: c.attention_bias, mlp: false },
      norms: 'both',
      normOffset: 1,
      headNorms: 'head',
      rotary: (layer, usual) => (sliding(layer) ? near : usual),
      window: (layer) => (sliding(layer) ? c.sliding_window : undefined),
      prefixes: ['language_model.model.', 'model.language_model.'],
    }),
    scoreScale: c.query_pre_attn_scalar ** -0.5,
    logitCap: c.final_logit_softcapping ?? undefined,
    embeddingScale: Math.sqrt(c.hidden_size),
  };
});

/** Their text part; what they see with is not read. */
export const gemma3 = architecture(z.looseObject({ text_config: z.looseObject({}) }), (c, names) =>
  gemma3Text(c.text_config, names),
);
