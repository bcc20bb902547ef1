// The settings of WISE.
import { z } from 'zod';
import { prefixesSchema } from '../../artefacts/context-prefixes/request.ts';
import { layerSchema } from '../layers.ts';

const distance = z.number().min(0).max(10_000);

export const wiseSettings = z.strictObject({
  layer: layerSchema.describe('Whose W_out has a copy beside it.'),
  mask_ratio: z
    .number()
    .positive()
    .max(1)
    .describe('Share of the elements of the copy that edits of a shard may change, drawn for each shard.'),
  steps: z.int().min(1).max(10_000).describe('Steps of gradient descent at most.'),
  learning_rate: z.number().positive().max(1000).describe('Of gradient descent.'),
  weight_decay: z.number().min(0).max(1).describe('This multiple of the elements is added to their gradient.'),
  norm_constraint: z.number().positive().describe('Largest change of any element from W_out (L-infinity).'),
  alpha: distance.describe('By how much outputs on an unrelated text may differ from those of W_out.'),
  beta: distance.describe("By how much outputs on the edit's prompts are to differ at least."),
  gamma: distance.describe('By how much more than those on the unrelated text.'),
  threshold_ratio: z
    .number()
    .positive()
    .max(1)
    .describe(
      'The copy answers what makes its outputs differ by more than this share of what the edit that does so least makes them.',
    ),
  shard_size: z.int().min(1).max(100_000).describe('Edits that share a copy.'),
  merge_shards: z
    .int()
    .min(2)
    .max(1000)
    .nullable()
    .describe('Copies that are merged into one when so many are full, by TIES; null for never.'),
  density: z.number().positive().max(1).describe('Share of the elements of a copy that TIES keeps, the largest.'),
  prefixes: prefixesSchema.describe(
    'Texts of the model that a prompt is trained behind too, as [count, length in tokens] pairs.',
  ),
  unrelated: prefixesSchema
    .min(1)
    .describe('Texts of the model that the copy is not to answer, one an edit in turn, as such pairs.'),
  stop_loss: z
    .number()
    .min(0)
    .describe(
      'Training ends once its loss is below this and moves by no more than 1e-4; an edit whose loss is below it beforehand holds already.',
    ),
});
export type WiseSettings = z.output<typeof wiseSettings>;
