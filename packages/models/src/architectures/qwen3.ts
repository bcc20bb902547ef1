// Qwen3 (Yang et al. 2025): Qwen2's decoder without biases, with norms of each head's queries and keys.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';
import { windowFields, windowOf } from './qwen2.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  ...windowFields,
  head_dim: count.default(128),
  max_position_embeddings: count.default(32_768),
  attention_bias: z.boolean().default(false),
});

export const qwen3 = architecture(schema, (c, names) =>
  gatedDecoder(c, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: c.attention_bias, attentionOutput: c.attention_bias, mlp: false },
    headNorms: 'head',
    window: windowOf(c),
  }),
);
