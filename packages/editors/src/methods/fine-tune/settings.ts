// The settings of FT-M and FT-L.
import { z } from 'zod';
import { layerSchema } from '../layers.ts';

export const fineTuneSettings = z.strictObject({
  layer: layerSchema.describe('Where the matrix is.'),
  learning_rate: z.number().positive().max(1).describe('Of Adam.'),
  epochs: z.int().min(1).max(1000).describe('Passes over the batch at most.'),
  batch_size: z.int().min(1).max(512).describe('Edits a step.'),
  weight_decay: z.number().min(0).describe('This multiple of the weights is added to their gradient.'),
  stop_loss: z
    .number()
    .min(0)
    .describe(
      "Training ends once the mean loss of a pass falls below this; smaller batches' steps are skipped below it.",
    ),
  norm_constraint: z
    .number()
    .positive()
    .nullable()
    .describe('Largest change of any weight (L-infinity); null for none.'),
  objective: z
    .enum(['target_new', 'prompt_last'])
    .describe(
      "`target_new`: cross-entropy over the target's tokens. `prompt_last`: all target tokens read at the prompt's last position.",
    ),
});
export type FineTuneSettings = z.output<typeof fineTuneSettings>;
