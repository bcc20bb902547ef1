// The settings of KN.
import { z } from 'zod';
import { prefixesSchema } from '../../artefacts/context-prefixes/request.ts';

export const knowledgeNeuronSettings = z.strictObject({
  operation: z
    .enum(['edit', 'erase'])
    .describe(
      'What is done to the values of the neurons: `edit` takes the old answer out and puts the target in; `erase` sets them to zero, so that what is said now is forgotten, whatever the target.',
    ),
  steps: z
    .int()
    .min(1)
    .max(300)
    .describe('Points at which the gradient is taken between nothing and what a neuron puts out.'),
  threshold: z
    .number()
    .gt(0)
    .max(1)
    .describe('Neurons are considered whose attribution behind a prompt is at least this share of the greatest there.'),
  agreement: z
    .number()
    .gt(0)
    .max(1)
    .describe(
      'Share of the contexts in which a neuron must be among them; moved by 0.05 at a time, five times at most, until two to five are left.',
    ),
  old_factor: z.number().min(0).describe("How much of the old answer is taken out, in norms of a neuron's value."),
  new_factor: z.number().positive().describe("How much of the target is put in, in norms of a neuron's value."),
  prefixes: prefixesSchema.describe(
    'Sampled context prefixes as [count, length in tokens] pairs: the prompts that neurons must agree in; the bare prompt always takes part.',
  ),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this already holds.'),
});
export type KnowledgeNeuronSettings = z.output<typeof knowledgeNeuronSettings>;
