// MEMIT, described (Meng et al. 2023).
import { contextPrefixesOf } from '../../artefacts/context-prefixes/request.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { Deviation, EditorDescription } from '../../description.ts';
import { llamaSearch, paperSearch } from '../../search/settings.ts';
import { locate } from '../deviations.ts';
import { alike, at, fiveTo, gatedDecoders, missingLayer, range } from '../layers.ts';
import { noSubjectSite } from '../over-encoder.ts';
import { editedLayers, memitSettings } from './settings.ts';

/** Of MEMIT and its kin. */
export const spreadDeviations: readonly Deviation[] = [
  {
    reference: 'Gives every edit a key and value of its own, also where two have one subject',
    here: 'Searches one value for all edits of a subject (`merge_same_subject`, as in MEMIT-Merge; `false` is the reference)',
    why: 'Their keys are nearly equal: left apart, fewer than half of ten edits of one subject succeed',
  },
  {
    reference: "Keeps values in files named by the edit's id alone",
    here: 'Keeps none',
    why: 'The same id in another data set would be served a stale value',
  },
  {
    reference: 'Spreads what the stream is to gain over the matrices as it is, whatever stands behind them',
    here: 'Takes it back through the norm where one stands behind the MLP (Gemma 2 and 3, OLMo 2); dimensions that the norm scales by less than a tenth of the mean are left alone',
    why: 'The norm decides what comes through: without this an edit does something else, and where its scale is zero the change was infinite',
  },
  ...locate,
];

export const memit = {
  title: 'MEMIT: many edits at once spread over several MLPs',
  paper: 'Meng et al. 2023, Mass-Editing Memory in a Transformer; MEMIT-Merge for equal subjects',
  settings: memitSettings,
  defaults: [
    {
      match: {},
      settings: (shape) => ({
        layers: fiveTo(at(0.36, shape)),
        distribution: 'spread',
        ...paperSearch,
        clamp_factor: 0.75,
        prefixes: [[5, 10]],
        merge_same_subject: true,
      }),
      source: 'MEMIT repository, hparams/MEMIT/gpt2-xl.json; five layers ending at its relative depth (17 of 48)',
    },
    {
      match: {},
      settings: () => ({ second_moment_weight: { share: 0.9 } }),
      source:
        'measured: of ten records SmolLM2-135M holds all with it, where 15,000, found for a model of 7 B parameters, leaves nine; Gemma 3 270M as many as with 20,000, and more rephrasings; the shipped model as many as with the weight found for it (docs/results/real/smollm2-135m)',
    },
    {
      match: { model_types: gatedDecoders },
      settings: (shape) => ({ ...llamaSearch, layers: fiveTo(at(0.26, shape)) }),
      source: `EasyEdit, hparams/MEMIT/llama-7b.yaml; five layers ending at its relative depth (8 of 32); ${alike}`,
    },
    {
      match: { model_types: ['gpt2'], layers: 48, width: 1600 },
      settings: () => ({ layers: range(13, 17), second_moment_weight: 20_000 }),
      source: 'MEMIT repository, hparams/MEMIT/gpt2-xl.json',
    },
    {
      match: { model_types: ['llama'], layers: 32, width: 4096 },
      settings: () => ({ layers: range(4, 8), second_moment_weight: 15_000 }),
      source: 'EasyEdit, hparams/MEMIT/llama-7b.yaml',
    },
    {
      match: { model_types: ['llama'], layers: 28, width: 3072 },
      settings: () => ({ layers: range(4, 8), second_moment_weight: 15_000 }),
      source: 'EasyEdit, hparams/MEMIT/llama3.2-3b.yaml',
    },
  ],
  misfit: ({ layers }, shape) => missingLayer('layers', layers, shape),
  needs: ({ prefixes, ...settings }, _, seed) => [
    ...editedLayers(settings).map(secondMomentOf),
    contextPrefixesOf({ prefixes, seed }),
  ],
  batched: true,
  subject: 'required',
  overEncoder: noSubjectSite,
  leaves: ['low_rank'],
  reference: {
    code: 'the MEMIT repository',
    compared: 'Changes of matrices',
    agreement: 3e-5,
    ownCode: 1e-7,
    deviations: spreadDeviations,
  },
  load: () => import('#methods/memit/edit'),
} as const satisfies EditorDescription<typeof memitSettings>;
