// Qwen2 and Qwen2.5 (Yang et al. 2024): Llama's decoder with biases on queries, keys and values alone.

import { z } from 'zod';
import { architecture, count } from './config.ts';
import { gatedDecoder, gatedDecoderFields } from './gated-decoder.ts';

/** How Qwens say which layers attend within a window. */
export const windowFields = {
  use_sliding_window: z.boolean().default(false),
  sliding_window: count.nullable().default(4096),
  max_window_layers: z.number().int().nonnegative().default(28),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
};

/** The windows of such a config: of the layers that it names, else of those from `max_window_layers` on. */
export function windowOf(c: z.output<z.ZodObject<typeof windowFields>>): (layer: number) => number | undefined {
  const windowed = (layer: number) =>
    c.layer_types ? c.layer_types[layer] === 'sliding_attention' : layer >= c.max_window_layers;
  return (layer) => (c.use_sliding_window && windowed(layer) ? (c.sliding_window ?? undefined) : undefined);
}

const schema = z.looseObject({
  ...gatedDecoderFields,
  ...windowFields,
  max_position_embeddings: count.default(32_768),
});

export const qwen2 = architecture(schema, (c, names) =>
  gatedDecoder(c, names, {
    context: c.max_position_embeddings,
    biases: { queryKeyValue: true, attentionOutput: false, mlp: false },
    window: windowOf(c),
  }),
);
