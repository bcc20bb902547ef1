// The settings of SPHERE: AlphaEdit's, and those of its guard.
import { z } from 'zod';
import { alphaEditSettings } from './settings.ts';

export const sphereSettings = alphaEditSettings.extend({
  cumulative_ratio: z
    .number()
    .gt(0)
    .lt(1)
    .describe(
      'The main directions of the rows of a matrix are as many as make up more than this share of their spread.',
    ),
  suppression_strength: z
    .number()
    .min(0)
    .max(1)
    .describe('How much of a change is taken away along those directions; 0 is AlphaEdit.'),
});
export type SphereSettings = z.output<typeof sphereSettings>;
