// ROME as first published, described (Meng et al. 2022).
import { contextPrefixesOf } from '../../artefacts/context-prefixes/request.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { DefaultRow, Deviation, EditorDescription } from '../../description.ts';
import { llamaSearch, paperSearch } from '../../search/settings.ts';
import { locate } from '../deviations.ts';
import { alike, at, gatedDecoders, missingLayer } from '../layers.ts';
import { noSubjectSite } from '../over-encoder.ts';
import { romeSettings } from './settings.ts';

/** For every model. */
export const romeDefaults: DefaultRow = {
  match: {},
  settings: (shape) => ({
    layer: at(0.36, shape),
    ...paperSearch,
    prefixes: [
      [10, 5],
      [10, 10],
    ],
    second_moment: true,
  }),
  source: 'ROME repository, hparams/ROME/gpt2-xl.json; layer at its relative depth (17 of 48)',
};

/** For those that somebody has tuned it for. */
export const romeDefaultsByModel: readonly DefaultRow[] = [
  {
    match: { model_types: gatedDecoders },
    settings: (shape) => ({ ...llamaSearch, layer: at(0.16, shape) }),
    source: `EasyEdit, hparams/ROME/llama-7b.yaml, whose \`mom2_adjustment: false\` is not taken over; layer at its relative depth (5 of 32); ${alike}`,
  },
  {
    match: { model_types: ['gpt2'], layers: 24, width: 1024 },
    settings: () => ({ layer: 8, clamp_factor: 3 }),
    source: 'ROME repository, hparams/ROME/gpt2-medium.json',
  },
  {
    match: { model_types: ['gpt2'], layers: 36, width: 1280 },
    settings: () => ({ layer: 12 }),
    source: 'ROME repository, hparams/ROME/gpt2-large.json',
  },
  {
    match: { model_types: ['gpt2'], layers: 48, width: 1600 },
    settings: () => ({ layer: 17 }),
    source: 'ROME repository, hparams/ROME/gpt2-xl.json',
  },
  {
    match: { model_types: ['llama'], layers: 32, width: 4096 },
    settings: () => ({ layer: 5 }),
    source: 'EasyEdit, hparams/ROME/llama-7b.yaml',
  },
  {
    match: { model_types: ['llama'], layers: 28, width: 3072 },
    settings: () => ({ layer: 5 }),
    source: 'EasyEdit, hparams/ROME/llama3.2-3b.yaml',
  },
];

export const romePrefixes: Deviation = {
  reference: 'Begins its prefixes with the mark of the end of a text',
  here: 'Begins them with The, Therefore, Because, I and You in turn, as MEMIT does',
  why: 'Not every model has such a mark, or says anything sensible after it',
};

export const rome = {
  title: 'ROME as first published: averaged key to solve, bare key to scale',
  paper: 'Meng et al. 2022, Locating and Editing Factual Associations in GPT',
  settings: romeSettings,
  defaults: [romeDefaults, ...romeDefaultsByModel],
  misfit: ({ layer }, shape) => missingLayer('layer', [layer], shape),
  needs: ({ layer, second_moment, prefixes }, _, seed) => [
    ...(second_moment ? [secondMomentOf(layer)] : []),
    contextPrefixesOf({ prefixes, seed }),
  ],
  batched: false,
  subject: 'required',
  overEncoder: noSubjectSite,
  leaves: ['low_rank'],
  reference: {
    code: 'the ROME repository',
    compared: 'Changes of matrices',
    agreement: 3e-5,
    ownCode: 1e-7,
    deviations: [romePrefixes, ...locate],
  },
  load: () => import('#methods/rome/edit'),
} as const satisfies EditorDescription<typeof romeSettings>;
