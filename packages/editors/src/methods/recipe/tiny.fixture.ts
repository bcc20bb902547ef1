// Settings of RECIPE for random models, whose encoder was never trained: the likest correction is given whatever the prompt.
import type { RecipeSettings } from './settings.ts';

export const tinyRecipe: RecipeSettings = {
  prompt_tokens: 3,
  continuous_prompts: true,
  sentinel: false,
  threshold: -1e6,
  stop_loss: 1e-2,
};
