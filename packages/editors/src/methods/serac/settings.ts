// The settings of SERAC.
import { z } from 'zod';

export const seracSettings = z.strictObject({
  classifier: z
    .enum(['vectors', 'pairs'])
    .describe(
      'Who says whether a prompt is in the scope of a correction: how near the two lie as vectors (`vectors`), or what an encoder makes of both together (`pairs`).',
    ),
  candidates: z
    .int()
    .min(1)
    .max(1000)
    .describe('Of `pairs`: how many corrections, the nearest ones, are read together with a prompt.'),
  threshold: z.number().min(0).max(1).describe('How likely in scope a prompt must be for a correction to speak.'),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this beforehand holds already.'),
});
export type SeracSettings = z.output<typeof seracSettings>;
