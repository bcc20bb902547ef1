// Causal traces as they are asked for: the facts, and how they are traced.
import { type ArtefactNeed, largestInteger, pathSchema, wholeModel } from '@errata/contracts';
import { z } from 'zod';

export const causalTraceFormat = 'errata-causal-trace/1';

export const causalTraceRequest = z.strictObject({
  data: pathSchema.describe("A file of edits, one a line, whose true answers are traced, on the worker's machine."),
  limit: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Facts traced, the first that the model knows; 20 when left out.'),
  runs: z.int().min(1).max(1000).optional().describe('Corrupted runs a fact; 10 when left out.'),
  noise: z
    .number()
    .positive()
    .max(1000)
    .optional()
    .describe("Noise on the subject, in deviations of the subjects' embeddings; 3 when left out."),
  window: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe(
      'Layers on each side that are put back along, of MLPs and attention; a tenth of the layers when left out.',
    ),
  seed: z.int().min(0).max(largestInteger).optional().describe('Of the noise; 0 when left out.'),
});
export type CausalTraceFields = z.output<typeof causalTraceRequest>;

/** What was traced of a model, whichever facts they were. */
export const causalTraceNeed: ArtefactNeed = { kind: 'causal_trace', scope: wholeModel, parameters: {} };
