// Mistral (Jiang et al. 2023): Llama's decoder without biases, with an attention window of its own.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  max_position_embeddings: count.default(131_072),
  sliding_window: count.nullable().default(4096),
});

/** Up to the window's length a token attends to all before it, window or not: that is how far the model is served. */
export const mistral = architecture(schema, (c, names) =>
  gatedDecoder(c, names, {
    context: Math.min(c.max_position_embeddings, c.sliding_window ?? Number.POSITIVE_INFINITY),
    biases: { queryKeyValue: false, attentionOutput: false, mlp: false },
  }),
);
