// The settings of T-Patcher.
import { z } from 'zod';
import { prefixesSchema } from '../../artefacts/context-prefixes/request.ts';
import { layerSchema } from '../layers.ts';

export const tPatcherSettings = z.strictObject({
  layer: layerSchema.describe('Beside whose MLP the neurons are.'),
  activation: z
    .enum(['own', 'relu'])
    .describe(
      "The neurons' activation function: that of the model's MLPs, or ReLU, which is silent where nothing excites it.",
    ),
  neurons: z
    .int()
    .min(1)
    .max(16)
    .describe('Neurons of an edit at most, one a target token that the model does not say.'),
  prefixes: prefixesSchema.describe(
    'Texts of the model that neurons are to be silent on, as [count, length in tokens] pairs; earlier edits of the batch join them.',
  ),
  steps: z.int().min(1).max(10_000).describe('Steps of the optimiser at most.'),
  first_check: z
    .int()
    .min(1)
    .max(10_000)
    .describe('Steps before it is asked for the first time whether the edit is made.'),
  check_every: z.int().min(1).max(10_000).describe('Steps between such questions.'),
  learning_rate: z
    .number()
    .positive()
    .max(1)
    .describe('Of Adam; halved where two questions in a row found the loss no smaller.'),
  weight_decay: z.number().min(0).describe('This multiple of what is trained is added to its gradient.'),
  initial_scale: z.number().positive().max(1000).describe('What values are multiplied by; trained too.'),
  activation_weight: z
    .number()
    .min(0)
    .max(1000)
    .describe('Factor of the loss that keeps neurons active on their own tokens.'),
  memory_weight: z.number().min(0).max(1000).describe('Factor of the loss that keeps them silent on other texts.'),
  margin: z.number().min(0).max(100).describe('By how much they are to be further from active there.'),
  greatest: z
    .int()
    .min(1)
    .max(100_000)
    .describe('Of how many of the most excited tokens of other texts that loss is the mean.'),
  memory_loss: z
    .number()
    .min(0)
    .describe('An edit is made once its answer is right and the mean of exp(excitation + margin) there is below this.'),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this beforehand holds already.'),
});
export type TPatcherSettings = z.output<typeof tPatcherSettings>;
