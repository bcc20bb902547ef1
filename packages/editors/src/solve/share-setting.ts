// The setting of how strongly a solve holds on to what is there, as descriptions of editors have it.
import { z } from 'zod';

/** Free of scale, where a weight is in the units of a model's keys. */
export const shareSchema = z.strictObject({
  share: z
    .number()
    .gt(0)
    .lt(1)
    .describe('The share of what is asked that a key of the batch gets where it is alone: of the median one.'),
});

/** A weight, or the share that it is to come to. */
export type WeightOrShare = number | z.output<typeof shareSchema>;
