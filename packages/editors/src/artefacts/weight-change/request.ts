// Weight changes as they are asked for: where what was changed elsewhere lies.
import { type ArtefactNeed, pathSchema, wholeModel } from '@errata/contracts';
import { z } from 'zod';

export const weightChangeFormat = 'errata-weight-change/1';

export const weightChangeRequest = z.strictObject({
  from: pathSchema
    .optional()
    .describe(
      "What was changed elsewhere, on the worker's machine: the directory of a LoRA adapter that PEFT saved for the model, or a copy of the model with other weights.",
    ),
});
export type WeightChangeFields = z.output<typeof weightChangeRequest>;

/** The change that these files make. @param source the digest that names them */
export const weightChangeOf = (source: string): ArtefactNeed => ({
  kind: 'weight_change',
  scope: wholeModel,
  parameters: { source },
});
