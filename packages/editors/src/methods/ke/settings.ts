// The settings of KE.
import { z } from 'zod';
import { layersSchema } from '../layers.ts';

export const keSettings = z.strictObject({
  layers: layersSchema.describe(
    'Whose MLPs are changed, every linear map of them, in ascending order; the transform is trained for these.',
  ),
  batch_size: z.int().min(1).max(512).describe('Edits whose gradients are taken in one run.'),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this holds already.'),
});
export type KeSettings = z.output<typeof keSettings>;
