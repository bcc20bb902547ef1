// Phi-3 and Phi-4 (Abdin et al. 2024): Llama's decoder with fused projections, a gate fused with what it gates, and part of a head rotated.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  rms_norm_eps: z.number().positive().default(1e-5),
  max_position_embeddings: count.default(4096),
  original_max_position_embeddings: count.default(4096),
  sliding_window: count.nullable().default(null),
});

export const phi3 = architecture(schema, (c, names) =>
  gatedDecoder(c, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: false, attentionOutput: false, mlp: false },
    fused: true,
    window: () => c.sliding_window ?? undefined,
  }),
);
