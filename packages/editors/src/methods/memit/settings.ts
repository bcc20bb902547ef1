// The settings of MEMIT and its kin.
import { z } from 'zod';
import { searchSettings } from '../../search/settings.ts';
import { shareSchema } from '../../solve/share-setting.ts';
import { layerSchema, layersSchema } from '../layers.ts';

/** What all of them have. */
export const spreadSettings = z.strictObject({
  ...searchSettings,
  merge_same_subject: z
    .boolean()
    .describe('Optimise one shared value for edits with one subject (MEMIT-Merge); false leaves them to collide.'),
});
export type SpreadSettings = z.output<typeof spreadSettings>;

/** How what is missing is given to several layers. */
export const distributionSchema = z
  .enum(['spread', 'ends'])
  .describe(
    'How the layers take part: `spread` searches one value at the last of them and gives each a part of what is missing there; `ends` edits the first and the last alone, each with a value of its own and all that is missing there, as BLUE does.',
  );

/** Layers and how they take part. */
export interface DistributedLayers {
  readonly layers: readonly number[];
  readonly distribution: z.output<typeof distributionSchema>;
}

/** The layers that share a residual, one such stage after another. */
export function stagesOf({ layers, distribution }: DistributedLayers): readonly (readonly number[])[] {
  if (distribution === 'spread') return [layers];
  const [first, last] = [layers[0]!, layers.at(-1)!];
  return first === last ? [[first]] : [[first], [last]];
}

/** The layers that are edited. */
export const editedLayers = (settings: DistributedLayers): readonly number[] => stagesOf(settings).flat();

export const memitSettings = z.strictObject({
  layers: layersSchema,
  distribution: distributionSchema,
  ...searchSettings,
  second_moment_weight: z
    .union([z.number().positive(), shareSchema])
    .describe(
      'lambda: weight of the second moment against the edited keys (MEMIT, equation 14), or the share of what is asked that it leaves to a key alone, from which lambda follows at each layer. A weight means nothing without the model and the text that C was taken over; a share does.',
    ),
  merge_same_subject: spreadSettings.shape.merge_same_subject,
});
export type MemitSettings = z.output<typeof memitSettings>;

export const emmetSettings = z.strictObject({
  layer: layerSchema.describe('Where the edits are made.'),
  ...searchSettings,
  alpha: z
    .union([z.number().min(0), shareSchema])
    .describe(
      'Added to the diagonal of K^T C^-1 K where several edits are solved at once, whose keys may be much alike; 0 asks for every value exactly. Or the share of what is asked that it leaves to a key alone.',
    ),
  merge_same_subject: spreadSettings.shape.merge_same_subject,
});
export type EmmetSettings = z.output<typeof emmetSettings>;
