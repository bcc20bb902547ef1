// MALMEN, described (Tan et al. 2024).
import { shiftTransformOf } from '../../artefacts/shift-transform/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { missingLayer, range } from '../layers.ts';
import { decodersAlone } from '../over-encoder.ts';
import { malmenSettings } from './settings.ts';

export const malmen = {
  title: 'MALMEN: many edits at once, what trained networks ask for each brought together by least squares',
  paper: 'Tan et al. 2024, Massive Editing for Large Language Models via Meta Learning (ICLR 2024)',
  settings: malmenSettings,
  defaults: [
    {
      match: {},
      settings: ({ layers }) => ({
        layers: range(Math.max(0, layers - 6), layers - 1),
        batch_size: 32,
        stop_loss: 1e-2,
      }),
      source:
        'MALMEN repository, config/model (the last six blocks of GPT-J and of GPT-2) and config/data/zsre.yaml (edits of a run); `stop_loss` as GRACE has it',
    },
  ],
  misfit: ({ layers }, shape) => missingLayer('layers', layers, shape),
  needs: ({ layers }) => [shiftTransformOf(layers)],
  batched: true,
  subject: 'none',
  overEncoder: decodersAlone('its networks are trained on the gradients of prompts and targets in one text'),
  leaves: ['low_rank', 'dense'],
  reference: {
    code: 'the MALMEN repository',
    compared: 'Changes of matrices, of a batch and of one behind another',
    agreement: 3e-5,
    deviations: [
      {
        reference: 'Takes the mean loss over all answer tokens of a run of edits, and its gradients',
        here: "Takes each edit's own mean loss",
        why: 'What is asked for an edit does not depend on how many are with it in a run',
      },
      {
        reference: 'Adds up the losses of the runs of a step',
        here: 'Takes their mean over edits',
        why: 'Neither the rate nor the bound on the gradients depends on how large runs are',
      },
      {
        reference: 'Leaves the gradients of the last edits out where they fill no run',
        here: 'Takes all',
        why: 'A rounding error of its division',
      },
      {
        reference: 'Adds n times the variance over n - 1 to the summed squares for every run of n tokens',
        here: 'Adds the squares themselves',
        why: 'With one token in a run theirs is not a number',
      },
      {
        reference: 'Solves a system of as many unknowns as keys have elements',
        here: 'Solves one of as many unknowns as there are target tokens where these are fewer, and in training always',
        why: 'It is the same answer, left as a delta of low rank where it is the smaller',
      },
      {
        reference: 'Has one learning rate for networks, rates and ridges, and no checkpoints but the last',
        here: 'Has one of their own for rates and ridges, and chooses among checkpoints by edits that are not trained on',
        why: 'As our training of MEND has it',
      },
      layout,
      held,
    ],
  },
  load: () => import('#methods/malmen/edit'),
} as const satisfies EditorDescription<typeof malmenSettings>;
