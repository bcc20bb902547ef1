// Demonstrations as they are asked for: the file of edits that they are.
import { type ArtefactNeed, pathSchema, wholeModel } from '@errata/contracts';
import { z } from 'zod';

export const demonstrationFormat = 'errata-demonstrations/1';

export const demonstrationRequest = z.strictObject({
  data: pathSchema
    .optional()
    .describe(
      "A file of edits, one a line, with rephrases and locality probes, on the worker's machine; when left out, the demonstrations that the model brought along are taken.",
    ),
});
export type DemonstrationFields = z.output<typeof demonstrationRequest>;

/** What a model is shown of edits and their scope. */
export const demonstrationsNeed: ArtefactNeed = { kind: 'demonstrations', scope: wholeModel, parameters: {} };
