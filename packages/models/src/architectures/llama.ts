// Llama (Touvron et al. 2023) and the checkpoints that call themselves so.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  max_position_embeddings: count.default(2048),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

export const llama = architecture(schema, (c, names) =>
  gatedDecoder(c, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: c.attention_bias, attentionOutput: c.attention_bias, mlp: c.mlp_bias },
  }),
);
