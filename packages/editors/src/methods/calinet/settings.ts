// The settings of CaliNET.
import { z } from 'zod';
import { layerSchema } from '../layers.ts';

export const caliNetSettings = z.strictObject({
  layer: layerSchema.describe('Beside whose MLP the neurons are.'),
  activation: z.enum(['own', 'relu']).describe("The neurons' activation function: that of the model's MLPs, or ReLU."),
  neurons: z.int().min(1).max(65_536).describe('Neurons that the edits of a batch get together.'),
  steps: z.int().min(1).max(100_000).describe('Steps of the optimiser at most, each over all edits of the batch.'),
  learning_rate: z.number().positive().max(1).describe('Of Adam.'),
  warmup_steps: z.int().min(0).max(100_000).describe('Steps over which it rises to that.'),
  stop_loss: z
    .number()
    .min(0)
    .describe('Training ends below this; an edit whose loss is below it beforehand holds already.'),
});
export type CaliNetSettings = z.output<typeof caliNetSettings>;
