// PMET, described (Li et al. 2024).
import type { EditorDescription } from '../../description.ts';
import { paperSearch } from '../../search/settings.ts';
import { alike, at, fiveTo, gatedDecoders, range } from '../layers.ts';
import { memit, spreadDeviations } from '../memit/about.ts';
import { pmetSettings } from './settings.ts';

/** The six layers that end at one, or as many as there are. */
const sixTo = (last: number): readonly number[] => range(Math.max(0, last - 5), last);

export const pmet = {
  ...memit,
  title: 'PMET: many edits at once spread over several MLPs, by values that leave to attention what is its own',
  paper: 'Li et al. 2024, PMET: Precise Model Editing in a Transformer',
  settings: pmetSettings,
  defaults: [
    {
      match: {},
      settings: (shape) => ({
        layers: sixTo(at(0.3, shape)),
        distribution: 'spread',
        ...paperSearch,
        steps: 30,
        learning_rate: 0.2,
        kl_factor: 1,
        clamp_factor: 0.75,
        prefixes: [[5, 10]],
        merge_same_subject: true,
        won_nll_factor: 0.1,
        won_kl: 0.01,
      }),
      source:
        'PMET repository, hparams/PMET/EleutherAI_gpt-j-6B.json, the last two from its code; six layers ending at its relative depth (8 of 28)',
    },
    {
      match: {},
      settings: () => ({ second_moment_weight: { share: 0.9 } }),
      source:
        "measured: of twenty edits the shipped model holds all with it, as with the weight found for it, and none with GPT-J's 6,000; the solve is MEMIT's, whose default this is",
    },
    {
      match: { model_types: gatedDecoders },
      settings: (shape) => ({
        ...paperSearch,
        clamp_factor: 1,
        layers: fiveTo(at(0.26, shape)),
      }),
      source: `EasyEdit, hparams/PMET/llama-7b.yaml; five layers ending at its relative depth (8 of 32); ${alike}`,
    },
    {
      match: { model_types: ['gptj'], layers: 28, width: 4096 },
      settings: () => ({ second_moment_weight: 6000 }),
      source: 'PMET repository, hparams/PMET/EleutherAI_gpt-j-6B.json',
    },
    {
      match: { model_types: ['llama'], layers: 32, width: 4096 },
      settings: () => ({ second_moment_weight: 15_000 }),
      source: 'EasyEdit, hparams/PMET/llama-7b.yaml',
    },
    {
      match: { model_types: ['gpt2'], layers: 48, width: 1600 },
      settings: () => ({
        layers: range(13, 17),
        steps: 20,
        learning_rate: 0.5,
        kl_factor: 0.0625,
        clamp_factor: 2,
        second_moment_weight: 10_000,
      }),
      source: 'BLUE repository, hparams/PMET/gpt2-xl-blue.json, with the layers between its two',
    },
  ],
  reference: {
    code: 'the PMET repository',
    compared: 'Changes of matrices',
    agreement: 1e-4,
    ownCode: 1e-7,
    deviations: [
      {
        reference: 'Adds the offset of attention to the output of its last matrix',
        here: 'Adds it to what attention adds to the stream, which is the same but behind a norm (Gemma 2 and 3, OLMo 2)',
        why: 'The offset is dropped: what counts is what the stream gains by it',
      },
      {
        reference: 'Inverts lambda C + K K^T',
        here: 'Solves with it, by Woodbury where edits are fewer than key elements',
        why: 'It is the same answer at a fraction of the cost',
      },
      ...spreadDeviations.filter(({ reference }) => !reference.startsWith('Spreads what the stream')),
    ],
  },
  load: () => import('#methods/pmet/edit'),
} as const satisfies EditorDescription<typeof pmetSettings>;
