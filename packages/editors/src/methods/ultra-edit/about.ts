// UltraEdit, described (Gu et al. 2025).
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { alike, at, gatedDecoders, missingLayer, range } from '../layers.ts';
import { decodersAlone } from '../over-encoder.ts';
import { ultraEditSettings } from './settings.ts';

export const ultraEdit = {
  title: 'UltraEdit: many edits at once in one pass, by least squares on scaled gradients',
  paper: 'Gu et al. 2025, UltraEdit: Training-, Subject-, and Memory-Free Lifelong Editing in Language Models',
  settings: ultraEditSettings,
  defaults: [
    {
      match: {},
      settings: (shape) => ({
        layers: range(at(0.66, shape), at(0.96, shape)),
        learning_rate: 1e-6,
        batch_size: 10,
        stop_loss: 1e-2,
      }),
      source:
        'UltraEdit repository, config/model/gpt-j.yaml and config/editor/ultraedit.yaml; layers at their relative depth (18 to 26 of 28); `stop_loss` as GRACE has it. The rate was found for keys of 14,336 and more elements; with shorter ones it does next to nothing, and atlas, with 1,024, has 2e-3',
    },
    {
      match: { model_types: gatedDecoders },
      settings: (shape) => ({ layers: range(at(0.935, shape), at(0.97, shape)) }),
      source: `UltraEdit repository, config/model/mistral-7b.yaml; layers at their relative depth (29 and 30 of 32); ${alike}`,
    },
  ],
  misfit: ({ layers }, shape) => missingLayer('layers', layers, shape),
  needs: () => [],
  batched: true,
  subject: 'none',
  overEncoder: decodersAlone('it reads its keys and gradients off prompts and targets in one text'),
  leaves: ['low_rank', 'dense', 'feature_statistics'],
  reference: {
    code: 'the UltraEdit repository',
    compared: 'Changes of matrices, of a first batch and of one behind it, and the statistics left for the next',
    agreement: 3e-5,
    ownCode: 1e-5,
    deviations: [
      {
        reference: 'Keeps the running mean and spread of features in the process',
        here: 'Keeps them in the version, as part of each edit',
        why: 'Taken back, an edit takes what it added along, and the next one is scaled as if it had never been there',
      },
      {
        reference: 'Adds n times the variance over n - 1 to the summed squares for every run of n tokens',
        here: 'Adds the squares themselves',
        why: 'The spread is that of all tokens, however they were run; with one token in a run theirs is not a number',
      },
      {
        reference: 'Solves a system of as many unknowns as keys have elements',
        here: 'Solves one of as many unknowns as there are target tokens where these are fewer: (H^T H + I)^-1 H^T = H^T (H H^T + I)^-1',
        why: 'It is the same answer, left as a delta of low rank, or as a matrix where there are so many tokens that it is the smaller',
      },
      {
        reference: 'Changes gates and inputs of MLPs for Llama 3 and Qwen2.5, outputs for GPT-J, Mistral and Phi-4',
        here: 'Changes outputs of MLPs',
        why: 'One kind of map; the others are not measured',
      },
      layout,
      held,
    ],
  },
  load: () => import('#methods/ultra-edit/edit'),
} as const satisfies EditorDescription<typeof ultraEditSettings>;
