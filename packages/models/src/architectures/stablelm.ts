// StableLM (Bellagente et al. 2024): Llama's decoder with layer norms, part of a head rotated, and parallel blocks where asked for.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  layer_norm_eps: z.number().positive().default(1e-5),
  max_position_embeddings: count.default(4096),
  partial_rotary_factor: z.number().positive().max(1).default(0.25),
  use_qkv_bias: z.boolean().default(false),
  use_parallel_residual: z.boolean().default(false),
  /** Each head would have a norm of its own. */
  qk_layernorm: z.literal(false).default(false),
});

export const stablelm = architecture(schema, (c, names) =>
  gatedDecoder({ ...c, rms_norm_eps: c.layer_norm_eps }, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: c.use_qkv_bias, attentionOutput: false, mlp: false },
    parallel: c.use_parallel_residual,
    layerNorms: true,
  }),
);
