// The settings of ROME, r-ROME and p-ROME.
import { z } from 'zod';
import { searchSettings } from '../../search/settings.ts';
import { layerSchema } from '../layers.ts';

export const romeSettings = z.strictObject({
  layer: layerSchema.describe('Where the edit is made.'),
  ...searchSettings,
  second_moment: z
    .boolean()
    .describe("Solve with the second moment C of the layer's keys, as the paper does; false takes C = I."),
});
export type RomeSettings = z.output<typeof romeSettings>;

export const rebuiltSettings = romeSettings.extend({
  solve_for: z
    .enum(['offset', 'bare_value'])
    .describe(
      "What is done to the mean key's value: `offset` adds the offset that was searched for; `bare_value` makes it the bare prompt's value plus the offset, as the reference code does.",
    ),
});
export type RebuiltSettings = z.output<typeof rebuiltSettings>;
