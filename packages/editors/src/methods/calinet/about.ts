// CaliNET, described: some neurons for all edits of a batch (Dong et al. 2022).
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { missingLayer } from '../layers.ts';
import { caliNetSettings } from './settings.ts';

export const caliNet = {
  title: 'CaliNET: some neurons beside the last MLP, trained on all edits of a batch',
  paper: 'Dong et al. 2022, Calibrating Factual Knowledge in Pretrained Language Models',
  settings: caliNetSettings,
  defaults: [
    {
      match: {},
      settings: ({ layers }) => ({ layer: layers - 1, activation: 'own', neurons: 64, warmup_steps: 100 }),
      source: 'CaliNET repository, a hundred facts (the last block of the decoder of T5-base)',
    },
    {
      match: {},
      settings: () => ({ steps: 500, learning_rate: 1e-3, stop_loss: 1e-2 }),
      source:
        'measured on twenty edits of atlas in one batch: reliability 1 and neighbourhood 0.64 after 462 steps; with the 1e-2 of the repository 1 and 0.47; `stop_loss` as GRACE has it',
    },
  ],
  misfit: ({ layer }, shape) => missingLayer('layer', [layer], shape),
  needs: () => [],
  batched: true,
  subject: 'none',
  overEncoder: null,
  leaves: ['neurons'],
  reference: {
    code: 'the CaliNET repository',
    compared: 'Keys, biases and values of neurons',
    agreement: 1e-4,
    deviations: [
      {
        reference: 'Finds what a model has wrong by asking it relations that are right and wrong (CKA)',
        here: 'Is told by the edits',
        why: 'What is to be corrected is what was submitted',
      },
      {
        reference: 'Adafactor',
        here: 'Adam, by the mean over edits of the mean over their tokens',
        why: 'A few facts are one batch: no memory is to be saved',
      },
      {
        reference: 'Draws what comes out of the neurons at random',
        here: 'Begins with zeros there, and with keys as PyTorch draws them',
        why: 'Training goes on from the model that there is',
      },
      {
        reference: 'Takes every step',
        here: 'Ends below `stop_loss`',
        why: 'What is learnt is not learnt again',
      },
      layout,
      { ...held, reference: 'Trains on what the model gets wrong' },
    ],
  },
  load: () => import('#methods/calinet/edit'),
} as const satisfies EditorDescription<typeof caliNetSettings>;
