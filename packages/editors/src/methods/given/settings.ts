// The settings of the editor that takes changes as they are given.
import { z } from 'zod';

export const givenSettings = z.strictObject({
  change: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'the digest of a change that was read (`source` of an artefact weight_change)')
    .nullable()
    .describe('The change, by the digest of the files that it was read from.'),
  onto: z
    .enum(['difference', 'weights'])
    .describe(
      "What a copy of the model means for a version that has edits already: its difference from the imported model is added to them (`difference`), or the version's weights become the copy's (`weights`). The products of an adapter are added either way.",
    ),
});
export type GivenSettings = z.output<typeof givenSettings>;
