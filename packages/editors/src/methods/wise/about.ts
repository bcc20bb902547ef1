// WISE, described: a side memory beside one layer, and a router in front of it (Wang et al. 2024).
import { contextPrefixesOf } from '../../artefacts/context-prefixes/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { alike, atBeforeLast, gatedDecoders, missingLayer } from '../layers.ts';
import { decodersAlone } from '../over-encoder.ts';
import { wiseSettings } from './settings.ts';

export const wise = {
  title: 'WISE: a copy of one W_out that takes over where its outputs differ enough',
  paper: 'Wang et al. 2024, WISE: Rethinking the Knowledge Memory for Lifelong Model Editing of Large Language Models',
  settings: wiseSettings,
  defaults: [
    {
      match: {},
      settings: (shape) => ({
        layer: atBeforeLast(0.78, shape),
        mask_ratio: 0.2,
        steps: 70,
        learning_rate: 1,
        weight_decay: 1e-5,
        norm_constraint: 1,
        alpha: 5,
        beta: 20,
        gamma: 10,
        threshold_ratio: 0.88,
        shard_size: 500,
        merge_shards: 2,
        density: 0.53,
        prefixes: [
          [5, 5],
          [5, 10],
        ],
        stop_loss: 0.02,
      }),
      source:
        'EasyEdit, hparams/WISE/gpt-j-6B.yaml (layer 21 of 28, fc_out), its margins those of llama-7b.yaml; others at the same relative depth',
    },
    {
      match: { model_types: ['gptj'] },
      settings: () => ({ alpha: 15, beta: 40, gamma: 20 }),
      source: 'EasyEdit, hparams/WISE/gpt-j-6B.yaml',
    },
    {
      match: { model_types: gatedDecoders },
      settings: (shape) => ({ layer: atBeforeLast(0.87, shape) }),
      source: `EasyEdit, hparams/WISE/llama-7b.yaml (layer 27 of 32, down_proj); others at the same relative depth; ${alike}`,
    },
    {
      match: {},
      settings: () => ({ unrelated: [[50, 10]] }),
      source: 'ours: EasyEdit is given an unrelated prompt with every edit',
    },
  ],
  misfit: ({ layer }, shape) => missingLayer('layer', [layer], shape),
  needs: ({ prefixes, unrelated }, _, seed) =>
    [prefixes, unrelated]
      .filter(({ length }) => length > 0)
      .map((texts) => contextPrefixesOf({ prefixes: texts, seed })),
  batched: false,
  subject: 'none',
  overEncoder: decodersAlone('it routes prompts by what their tokens have at a layer'),
  leaves: ['side_change'],
  reference: {
    code: 'EasyEdit',
    compared: 'Side matrices and thresholds',
    agreement: 1e-4,
    deviations: [
      {
        reference:
          'Routes a run by the mean over all tokens of all texts in it, padding among them; a token that is generated from cached keys and values by itself',
        here: 'Routes every prompt by the mean over its own tokens, and every token behind it by itself',
        why: 'What one user is answered does not depend on who asks beside; teacher forcing and generation read alike',
      },
      {
        reference: 'Means of the edit are over prompt, target and padding together',
        here: 'Every prompt is one mean, and every target token that is read one by itself',
        why: 'They are routed so when they are asked',
      },
      {
        reference: 'Decays every element of the copy at every step, those outside the mask too',
        here: 'Decays those of the mask',
        why: 'What edits may not change does not change',
      },
      {
        reference: 'Takes the step after the last loss that was looked at',
        here: 'Takes none, and measures once more',
        why: 'The threshold is that of the matrix that is kept',
      },
      {
        reference:
          'Is given an unrelated prompt with every edit; one that is part of the prompt is taken for its subject',
        here: 'Takes a text that the model itself writes',
        why: 'A correction need not bring any, and those it brings are what it is measured by',
      },
      {
        reference: 'Masks labels by the length of the longest prompt of a batch',
        here: 'Trains on every token of every target',
        why: 'Behind shorter prefixes the target, or some of it, was never trained on',
      },
      {
        reference:
          'Merged copies answer alone (`retrieve: false`), or the one whose outputs differ most (`retrieve: true`), where the copy that is open counts below its threshold too',
        here: 'The one whose outputs differ most, of those above their own thresholds',
        why: 'Edits since the last merger are answered, and nothing that no edit claims',
      },
      {
        reference: 'Can train on earlier edits again (`replay`, off by default)',
        here: 'Does not',
        why: 'What they were would have to be kept',
      },
      layout,
      { ...held, reference: 'Edits every request' },
    ],
  },
  load: () => import('#methods/wise/edit'),
} as const satisfies EditorDescription<typeof wiseSettings>;
