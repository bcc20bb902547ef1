// OLMo 2 (OLMo et al. 2025): Llama's decoder with its norms behind attention and MLP, and norms of all queries and keys.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  rms_norm_eps: z.number().positive().default(1e-5),
  max_position_embeddings: count.default(2048),
  attention_bias: z.boolean().default(false),
});

export const olmo2 = architecture(schema, (c, names) =>
  gatedDecoder(c, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: c.attention_bias, attentionOutput: c.attention_bias, mlp: false },
    norms: 'after',
    headNorms: 'all',
  }),
);
