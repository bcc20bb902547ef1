// The settings of MELO.
import { z } from 'zod';
import { layerSchema, layersSchema } from '../layers.ts';

export const meloSettings = z.strictObject({
  layer: layerSchema.describe(
    "What prompts are told apart by: what the activation function of this layer's MLP takes at their last token.",
  ),
  targets: layersSchema.describe('Layers behind it whose MLPs get the blocks, at their first map, in ascending order.'),
  rank: z.int().min(1).max(256).describe('Of a block.'),
  scale: z
    .number()
    .positive()
    .max(100_000)
    .describe('What a block adds is multiplied by this, and A is drawn the smaller the greater it is.'),
  block_edits: z.int().min(1).max(512).describe('Edits of a batch that share a block.'),
  radius: z.number().positive().max(100_000).describe('Of a cluster of one prompt.'),
  steps: z.int().min(1).max(10_000).describe('Steps of the optimiser.'),
  learning_rate: z.number().positive().max(1).describe('Of Adam; halved after every twenty steps.'),
  stop_loss: z
    .number()
    .min(0)
    .describe('Training ends below this; an edit whose loss is below it beforehand holds already.'),
});
export type MeloSettings = z.output<typeof meloSettings>;
