// The settings of MALMEN.
import { z } from 'zod';
import { layersSchema } from '../layers.ts';

export const malmenSettings = z.strictObject({
  layers: layersSchema.describe(
    'Whose MLPs have their last map changed, in ascending order; the transform is trained for these.',
  ),
  batch_size: z.int().min(1).max(512).describe('Edits whose gradients are taken in one run.'),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this holds already.'),
});
export type MalmenSettings = z.output<typeof malmenSettings>;
