// The settings of MEMIT.
import { z } from 'zod';
import { searchSettings } from '../../search/settings.ts';
import { layerSchema } from '../layers.ts';

export const memitSettings = z.strictObject({
  layers: z
    .array(layerSchema)
    .min(1)
    .max(64)
    .refine((layers) => layers.every((each, index) => index === 0 || each > layers[index - 1]!), 'must ascend')
    .describe('Where the edits are made, in ascending order; values are searched for at the last.'),
  ...searchSettings,
  second_moment_weight: z
    .number()
    .positive()
    .describe('lambda: weight of the second moment against the edited keys (MEMIT, equation 14).'),
  merge_same_subject: z
    .boolean()
    .describe('Optimise one shared value for edits with one subject (MEMIT-Merge); false leaves them to collide.'),
});
export type MemitSettings = z.output<typeof memitSettings>;
