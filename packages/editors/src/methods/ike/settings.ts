// The settings of IKE.
import { z } from 'zod';

const count = z.int().min(0).max(1000);

export const ikeSettings = z.strictObject({
  template: z
    .string()
    .max(1000)
    .regex(/\{fact\}/, 'must hold {fact}')
    .regex(/\{prompt\}$/, 'must end with {prompt}')
    .describe('How a fact and a prompt are shown: `{fact}` stands for a corrected prompt with its answer.'),
  separator: z.string().max(100).describe('What ends a demonstration.'),
  copy: count.describe('Demonstrations in which a fact is asked for in its own words.'),
  update: count.describe('Demonstrations in which a fact is asked for in other words.'),
  retain: count.describe('Demonstrations in which something else is asked for, and answered as ever.'),
  own: z.boolean().describe('Whether the correction is shown answering its own prompt, behind the demonstrations.'),
  context_share: z
    .number()
    .positive()
    .max(1)
    .describe(
      "Share of the model's context that all of this may take; the least similar demonstrations are left out beyond it.",
    ),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .describe(
      'Least similarity of a prompt to the corrected one, as in `retrieval`; 0 shows every prompt the correction nearest to it.',
    ),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this beforehand holds already.'),
});
export type IkeSettings = z.output<typeof ikeSettings>;
