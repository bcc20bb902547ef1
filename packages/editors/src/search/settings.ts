// The settings of the search for a value, with the defaults that its papers' code has.
import { z } from 'zod';
import { prefixesSchema } from '../artefacts/context-prefixes/request.ts';

/** Optimisation of a value vector at the subject's last token (ROME, section 3.1; MEMIT, section 4.3). */
export const searchSettings = {
  steps: z.int().min(1).max(500).describe('Steps of Adam at most.'),
  learning_rate: z.number().positive().max(10).describe('Of Adam.'),
  weight_decay: z.number().min(0).describe('Weight of ||delta|| / ||v_init||^2 in the loss.'),
  clamp_factor: z.number().positive().max(100).describe('||delta|| is kept within this multiple of ||v_init||.'),
  kl_factor: z.number().min(0).describe('Weight of KL(p_delta || p0) on "{subject} is a".'),
  stop_loss: z.number().min(0).describe('The search for an edit ends once its loss falls below this.'),
  prefixes: prefixesSchema.describe(
    'Sampled context prefixes as [count, length in tokens] pairs; the bare prompt always takes part.',
  ),
};

/** ROME and MEMIT repositories, the files for gpt2-xl. */
export const paperSearch = {
  steps: 20,
  learning_rate: 0.5,
  weight_decay: 0.5,
  clamp_factor: 4,
  kl_factor: 0.0625,
  stop_loss: 0.05,
};

/** EasyEdit, the files for llama-7b. */
export const llamaSearch = { ...paperSearch, steps: 25, weight_decay: 1e-3 };
