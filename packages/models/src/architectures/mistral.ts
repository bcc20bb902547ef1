// Mistral (Jiang et al. 2023): Llama's decoder without biases, with an attention window of its own.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  max_position_embeddings: count.default(131_072),
  sliding_window: count.nullable().default(4096),
});

export const mistral = architecture(schema, (c, names) =>
  gatedDecoder(c, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: false, attentionOutput: false, mlp: false },
    window: () => c.sliding_window ?? undefined,
  }),
);
