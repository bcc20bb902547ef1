// EMMET, described (Gupta et al. 2024).
import { contextPrefixesOf } from '../../artefacts/context-prefixes/request.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { EditorDescription } from '../../description.ts';
import { llamaSearch, paperSearch } from '../../search/settings.ts';
import { alike, at, gatedDecoders, missingLayer } from '../layers.ts';
import { noSubjectSite } from '../over-encoder.ts';
import { spreadDeviations } from './about.ts';
import { emmetSettings } from './settings.ts';

export const emmet = {
  title: 'EMMET: many edits at once in one MLP, each value asked for exactly',
  paper: 'Gupta et al. 2024, A Unified Framework for Model Editing',
  settings: emmetSettings,
  defaults: [
    {
      match: {},
      settings: (shape) => ({
        layer: at(0.36, shape),
        ...paperSearch,
        clamp_factor: 0.75,
        prefixes: [[5, 10]],
        merge_same_subject: true,
      }),
      source: 'unified-model-editing repository, hparams/EMMET/gpt2-xl.json; layer at its relative depth (17 of 48)',
    },
    {
      match: {},
      settings: () => ({ alpha: { share: 0.9 } }),
      source:
        "measured: of twenty edits the shipped model holds all with it and harms as little, as with 100; the solve is MEMIT's at one layer, whose default this is",
    },
    {
      match: { model_types: gatedDecoders },
      settings: (shape) => ({ ...llamaSearch, layer: at(0.16, shape) }),
      source: `unified-model-editing repository, hparams/EMMET/llama2-7b.json; layer at its relative depth (5 of 32); ${alike}`,
    },
    {
      match: { model_types: ['gpt2'], layers: 48, width: 1600 },
      settings: () => ({ alpha: 100 }),
      source:
        'unified-model-editing repository, hparams/EMMET/gpt2-xl.json (`emmet_lambda` times `mom2_update_weight`)',
    },
    {
      match: { model_types: ['llama'], layers: 32, width: 4096 },
      settings: () => ({ alpha: 0.1 }),
      source: 'unified-model-editing repository, hparams/EMMET/llama2-7b.json',
    },
  ],
  misfit: ({ layer }, shape) => missingLayer('layer', [layer], shape),
  needs: ({ layer, prefixes }, _, seed) => [secondMomentOf(layer), contextPrefixesOf({ prefixes, seed })],
  batched: true,
  subject: 'required',
  overEncoder: noSubjectSite,
  leaves: ['low_rank'],
  reference: {
    code: 'the unified-model-editing repository',
    compared: 'Changes of matrices',
    agreement: 3e-5,
    ownCode: 1e-7,
    deviations: [
      {
        reference: 'Inverts C and K^T C^-1 K + alpha I, by a pseudo-inverse where that fails',
        here: 'Solves (alpha C + K K^T)^-1 K by Woodbury, which is the same; where `alpha` is 0 and keys are one another’s sums it is refused',
        why: 'A pseudo-inverse drops edits in silence. (So with alpha above 0 this is MEMIT at one layer with lambda = alpha: the equality is as strict as alpha is small)',
      },
      ...spreadDeviations,
    ],
  },
  load: () => import('#methods/memit/emmet-edit'),
} as const satisfies EditorDescription<typeof emmetSettings>;
