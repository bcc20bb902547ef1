// The settings of PMET.
import { z } from 'zod';
import { memitSettings } from '../memit/settings.ts';

export const pmetSettings = memitSettings.extend({
  won_nll_factor: z
    .number()
    .min(0)
    .max(1)
    .describe(
      "Weight of the target's loss for as long as the target is the likeliest answer at each of its tokens in every context.",
    ),
  won_kl: z.number().min(0).describe('The search ends there once the weighted KL is at most this.'),
});
export type PmetSettings = z.output<typeof pmetSettings>;
