// The settings of GRACE.
import { z } from 'zod';
import { layerSchema } from '../layers.ts';

export const graceSettings = z.strictObject({
  layer: layerSchema.describe('Which layer the codebook stands beside.'),
  site: z
    .enum(['c_fc', 'c_proj'])
    .describe('Which linear map of the MLP is wrapped: its first (`c_fc`) or its last (`c_proj`).'),
  replacement: z
    .enum(['last', 'prompt'])
    .describe(
      "Which outputs the value replaces: the last prompt position's (`last`), or those of all positions before it (`prompt`).",
    ),
  epsilon: z.number().positive().describe('Radius of a new key, in the units of the key space.'),
  steps: z.int().min(1).max(1000).describe('Steps of Adam for a value.'),
  learning_rate: z.number().positive().max(10).describe('Of Adam.'),
  initial_value: z.enum(['cold', 'warm']).describe('Start of the value: uniform random or the current output.'),
  stop_loss: z.number().min(0).describe('The search for a value ends once its loss falls below this.'),
});
export type GraceSettings = z.output<typeof graceSettings>;
