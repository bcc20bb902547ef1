// The settings of UltraEdit.
import { z } from 'zod';
import { layersSchema } from '../layers.ts';

export const ultraEditSettings = z.strictObject({
  layers: layersSchema.describe('Whose MLPs are changed, in ascending order.'),
  learning_rate: z
    .number()
    .positive()
    .describe(
      'A target token asks a matrix for -learning_rate ||h||^2 g, of its key h and gradient g as they are scaled.',
    ),
  batch_size: z.int().min(1).max(512).describe('Edits whose mean loss gradients are taken of, in one run.'),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this holds already.'),
});
export type UltraEditSettings = z.output<typeof ultraEditSettings>;
