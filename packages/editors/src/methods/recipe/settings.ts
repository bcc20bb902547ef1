// The settings of RECIPE.
import { z } from 'zod';
import { promptTokensSchema } from '../../artefacts/knowledge-encoder/request.ts';

export const recipeSettings = z.strictObject({
  prompt_tokens: promptTokensSchema.describe(
    'Continuous prompts that a correction becomes; the encoder is trained for as many.',
  ),
  continuous_prompts: z
    .boolean()
    .describe(
      'Whether a prompt is given the continuous prompts of the correction it asks for, or that correction in words.',
    ),
  sentinel: z
    .boolean()
    .describe('Whether a correction must be more like a prompt than the sentinel is; otherwise than `threshold`.'),
  threshold: z
    .number()
    .min(-1e6)
    .max(1e6)
    .describe('The score that a correction must exceed where there is no sentinel.'),
  stop_loss: z.number().min(0).describe('An edit whose loss is below this beforehand holds already.'),
});
export type RecipeSettings = z.output<typeof recipeSettings>;
