// The settings of LTE.
import { z } from 'zod';

export const lteSettings = z.strictObject({
  threshold: z
    .number()
    .min(0)
    .max(1)
    .describe(
      'Least similarity of a prompt to the corrected one: half of it is whether the prompt names the subject, half how alike their words are. 0 puts the nearest correction before every prompt.',
    ),
  top_k: z.int().min(1).max(100).describe('Corrections put in front of a prompt at most, the most similar ones.'),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this beforehand holds already.'),
});
export type LteSettings = z.output<typeof lteSettings>;
