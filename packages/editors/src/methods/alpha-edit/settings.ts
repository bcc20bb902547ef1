// The settings of AlphaEdit.
import { z } from 'zod';
import { searchSettings } from '../../search/settings.ts';
import { shareSchema } from '../../solve/share-setting.ts';
import { layersSchema } from '../layers.ts';
import { distributionSchema, spreadSettings } from '../memit/settings.ts';

export const alphaEditSettings = z.strictObject({
  layers: layersSchema,
  distribution: distributionSchema,
  ...searchSettings,
  null_threshold: z
    .number()
    .positive()
    .describe(
      'Keys of the text are left in place along the eigenvectors of C whose eigenvalues reach this; edits are written along the others. In the units of C.',
    ),
  ridge: z
    .union([z.number().positive(), shareSchema])
    .describe(
      'L2: weight of the size of the change (AlphaEdit, equation 14), or the share of what is asked that it leaves to a key alone, from which L2 follows at each layer.',
    ),
  merge_same_subject: spreadSettings.shape.merge_same_subject,
});
export type AlphaEditSettings = z.output<typeof alphaEditSettings>;
