// T-Patcher, described: a neuron for every mistake (Huang et al. 2023).
import { contextPrefixesOf } from '../../artefacts/context-prefixes/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { missingLayer } from '../layers.ts';
import { decodersAlone } from '../over-encoder.ts';
import { tPatcherSettings } from './settings.ts';

export const tPatcher = {
  title: 'T-Patcher: a neuron beside the last MLP for every token that is wrong',
  paper: 'Huang et al. 2023, Transformer-Patcher: One Mistake Worth One Neuron (ICLR 2023)',
  settings: tPatcherSettings,
  defaults: [
    {
      match: {},
      settings: ({ layers }) => ({
        layer: layers - 1,
        activation: 'own',
        neurons: 5,
        steps: 2000,
        first_check: 100,
        check_every: 25,
        learning_rate: 1e-2,
        weight_decay: 1e-2,
        initial_scale: 10,
        activation_weight: 1,
        memory_weight: 10,
        margin: 3,
        greatest: 1000,
        memory_loss: 1e-3,
      }),
      source: 'Transformer-Patcher repository, its settings for zsRE (the last block of BART)',
    },
    {
      match: {},
      settings: () => ({
        prefixes: [
          [40, 10],
          [10, 40],
        ],
        stop_loss: 1e-2,
      }),
      source:
        'ours: 800 tokens, where the repository keeps 40,000 states of its training data; `stop_loss` as GRACE has it',
    },
  ],
  misfit: ({ layer }, shape) => missingLayer('layer', [layer], shape),
  needs: ({ prefixes }, _, seed) => [contextPrefixesOf({ prefixes, seed })],
  batched: false,
  subject: 'none',
  overEncoder: decodersAlone('it reads what goes into an MLP at the tokens of prompt and answer in one text'),
  leaves: ['neurons'],
  reference: {
    code: 'the Transformer-Patcher repository',
    compared: 'Keys, biases and values of neurons',
    agreement: 1e-4,
    deviations: [
      {
        reference: 'Keeps 40,000 hidden states of the data that a model was trained on, and those of all earlier edits',
        here: 'Takes the states of texts that the model itself writes, and those of earlier edits of the batch',
        why: 'What a model was trained on is not known; what it writes is like it',
      },
      {
        reference: 'Smooths labels',
        here: 'Does not',
        why: 'A correction is to be said for sure',
      },
      {
        reference: 'Trains on eight copies of the example',
        here: 'Trains on one',
        why: 'Nothing is dropped at random: they would be the same',
      },
      {
        reference: 'Keeps the factor of values beside them',
        here: 'Multiplies them by it when they are trained',
        why: 'Neurons of one layer are one product',
      },
      layout,
      { ...held, reference: 'Edits what the model gets wrong alone' },
    ],
  },
  load: () => import('#methods/t-patcher/edit'),
} as const satisfies EditorDescription<typeof tPatcherSettings>;
