// MEND, described: trained networks that turn a gradient into an edit (Mitchell et al. 2022).
import { gradientTransformOf } from '../../artefacts/gradient-transform/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { missingLayer, range } from '../layers.ts';
import { decodersAlone } from '../over-encoder.ts';
import { mendSettings } from './settings.ts';

export const mend = {
  title: 'MEND: one gradient step that trained networks make, on every map of some MLPs',
  paper: 'Mitchell et al. 2022, Fast Model Editing at Scale (ICLR 2022)',
  settings: mendSettings,
  defaults: [
    {
      match: {},
      settings: ({ layers }) => ({
        layers: range(Math.max(0, layers - 3), layers - 1),
        batch_size: 10,
        stop_loss: 1e-2,
      }),
      source:
        'MEND repository, config/model: the MLPs of the last three blocks, as for gpt2-xl and GPT-J (EasyEdit has the same for Llama); `stop_loss` as GRACE has it; edits of a run ours',
    },
  ],
  misfit: ({ layers }, shape) => missingLayer('layers', layers, shape),
  needs: ({ layers }) => [gradientTransformOf(layers)],
  batched: true,
  subject: 'none',
  overEncoder: decodersAlone('its networks are trained on the gradients of prompts and targets in one text'),
  leaves: ['low_rank', 'dense'],
  reference: {
    code: 'the MEND repository',
    compared: 'Changes of matrices, of a batch and of one behind another',
    agreement: 3e-5,
    deviations: [
      {
        reference:
          'Adds the update to the weights, so that an untrained editor goes up the gradient; its learning rates have to change their sign first',
        here: 'Takes it away, as the paper has it',
        why: 'An untrained editor is a step down the gradient',
      },
      {
        reference:
          'Takes the mean loss over all tokens of a batch of edits, so that each is made weaker the more there are',
        here: 'Adds what each edit asks for by itself, as the paper has it',
        why: 'What is done for an edit does not depend on how many are with it',
      },
      {
        reference: 'Counts means and deviations update by update, and scales each by those before it and its own',
        here: 'Counts all of a step, then scales them all',
        why: 'Updates of a step run side by side',
      },
      {
        reference: 'Draws the outer loss from rephrasings alone',
        here: 'Draws it from rephrasings and, where records have them, from the other questions that an edit answers',
        why: 'They are what is asked for in the end',
      },
      layout,
      held,
    ],
  },
  load: () => import('#methods/mend/edit'),
} as const satisfies EditorDescription<typeof mendSettings>;
