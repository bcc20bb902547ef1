// Qwen2 and Qwen2.5 (Yang et al. 2024): Llama's decoder with biases on queries, keys and values alone.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

const schema = z.looseObject({
  ...gatedDecoderFields,
  max_position_embeddings: count.default(32_768),
  use_sliding_window: z.boolean().default(false),
  sliding_window: count.nullable().default(4096),
  max_window_layers: z.number().int().nonnegative().default(28),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
});

/** Layers from `max_window_layers` on attend within a window, if the config asks for one and does not name them. */
export const qwen2 = architecture(schema, (c, names) => {
  const windowed = (layer: number) =>
    c.layer_types ? c.layer_types[layer] === 'sliding_attention' : layer >= c.max_window_layers;
  return gatedDecoder(c, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: true, attentionOutput: false, mlp: false },
    window: (layer) => (c.use_sliding_window && windowed(layer) ? (c.sliding_window ?? undefined) : undefined),
  });
});
