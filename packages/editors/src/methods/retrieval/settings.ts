// The settings of retrieval.
import { z } from 'zod';

export const retrievalSettings = z.strictObject({
  template: z
    .string()
    .max(1000)
    .regex(/\{fact\}/, 'must hold {fact}')
    .describe('What is put in front of a prompt: `{fact}` stands for a corrected prompt with its answer.'),
  similarity: z
    .enum(['words', 'encoder'])
    .describe(
      'How alike two prompts are: by whether the subject is named and the words that they share (`words`), or by the cosine of what a sentence encoder makes of them (`encoder`).',
    ),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .describe(
      'Least similarity of a prompt to the corrected one; of `words` half of it is whether the prompt names the subject, half how alike their words are.',
    ),
  top_k: z.int().min(1).max(100).describe('Corrections put in front of a prompt at most, the most similar ones.'),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this beforehand holds already.'),
});
export type RetrievalSettings = z.output<typeof retrievalSettings>;
