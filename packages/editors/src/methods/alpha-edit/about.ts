// AlphaEdit, described (Fang et al. 2025).
import { contextPrefixesOf } from '../../artefacts/context-prefixes/request.ts';
import { eigenbasisOf } from '../../artefacts/eigenbasis/request.ts';
import type { EditorDescription } from '../../description.ts';
import { llamaSearch, paperSearch } from '../../search/settings.ts';
import { alike, at, fiveTo, gatedDecoders, missingLayer, range } from '../layers.ts';
import { spreadDeviations } from '../memit/about.ts';
import { editedLayers } from '../memit/settings.ts';
import { noSubjectSite } from '../over-encoder.ts';
import { alphaEditSettings } from './settings.ts';

export const alphaEdit = {
  title: "AlphaEdit: many edits at once, written where the text's keys and earlier edits hardly reach",
  paper: 'Fang et al. 2025, AlphaEdit: Null-Space Constrained Knowledge Editing for Language Models',
  settings: alphaEditSettings,
  defaults: [
    {
      match: {},
      settings: (shape) => ({
        layers: fiveTo(at(0.36, shape)),
        distribution: 'spread',
        ...paperSearch,
        clamp_factor: 0.75,
        prefixes: [[5, 10]],
        null_threshold: 0.02,
        merge_same_subject: true,
      }),
      source:
        'AlphaEdit repository, hparams/AlphaEdit/gpt2-xl.json; five layers ending at its relative depth (17 of 48)',
    },
    {
      match: {},
      settings: () => ({ ridge: { share: 0.9 } }),
      source:
        'measured: of twenty edits the shipped model holds all with it, as with the ridge found for it, and a third of them exactly with the published 10',
    },
    {
      match: { model_types: gatedDecoders },
      settings: (shape) => ({
        ...llamaSearch,
        weight_decay: 0.5,
        learning_rate: 0.1,
        clamp_factor: 0.75,
        layers: fiveTo(at(0.26, shape)),
      }),
      source: `AlphaEdit repository, hparams/AlphaEdit/Llama3-8B.json; five layers ending at its relative depth (8 of 32); ${alike}`,
    },
    {
      match: { model_types: ['gpt2'], layers: 48, width: 1600 },
      settings: () => ({ layers: range(13, 17), ridge: 10 }),
      source: 'AlphaEdit repository, hparams/AlphaEdit/gpt2-xl.json',
    },
    {
      match: { model_types: ['llama'], layers: 32, width: 4096 },
      settings: () => ({ layers: range(4, 8), ridge: 10 }),
      source: 'AlphaEdit repository, hparams/AlphaEdit/Llama3-8B.json',
    },
  ],
  misfit: ({ layers }, shape) => missingLayer('layers', layers, shape),
  needs: ({ prefixes, ...settings }, _, seed) => [
    ...editedLayers(settings).map(eigenbasisOf),
    contextPrefixesOf({ prefixes, seed }),
  ],
  batched: true,
  subject: 'required',
  overEncoder: noSubjectSite,
  leaves: ['low_rank', 'edited_keys'],
  reference: {
    code: 'the AlphaEdit repository',
    compared: 'Changes of matrices, of a first batch and of one behind it, and the keys left for the next',
    agreement: 3e-5,
    ownCode: 1e-7,
    deviations: [
      {
        reference: 'Keeps the sum of K K^T of earlier batches in the process, one for all models and branches',
        here: "Keeps the keys themselves in the version, as part of each edit: a version's earlier edits are those that it has",
        why: 'Taken back, an edit takes its keys along, and the next one is solved as if it had never been there',
      },
      {
        reference: 'Solves a system of as many unknowns as keys have elements, in float32',
        here: 'Solves one of as many unknowns as there are keys, earlier ones included, in float64: P (P^T P = P) stands on both sides',
        why: 'It is the same answer, and edits are fewer than elements',
      },
      {
        reference: 'Writes its projections to one file, whatever the model',
        here: 'Keeps the eigenvectors as an artefact of the model; the threshold is chosen when an edit is made',
        why: "One model's projection was used for the next",
      },
      ...spreadDeviations,
    ],
  },
  load: () => import('#methods/alpha-edit/edit'),
} as const satisfies EditorDescription<typeof alphaEditSettings>;
