// The settings of ROME and its kin.
import { z } from 'zod';
import { searchSettings } from '../../search/settings.ts';
import { layerSchema, layersSchema } from '../layers.ts';

/** What all of them have. */
const rankOneSettings = z.strictObject(searchSettings);
export type RankOneSettings = z.output<typeof rankOneSettings>;

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

export const wilkeSettings = z.strictObject({
  layers: layersSchema.describe(
    'Where an edit may be made, in ascending order: each is searched, and one is chosen for each edit.',
  ),
  choose_by: z
    .enum(['mismatch', 'relative_change'])
    .describe(
      "What is least at the layer that is chosen: `mismatch`, ||delta|| ||W_out||^2 / ||k||^2, as the paper writes it, or `relative_change`, ||change of W_out|| / ||W_out||, as the authors' code has it.",
    ),
  ...searchSettings,
});
export type WilkeSettings = z.output<typeof wilkeSettings>;
