// WilKE, described (Hu et al. 2024).
import { contextPrefixesOf } from '../../artefacts/context-prefixes/request.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { EditorDescription } from '../../description.ts';
import { llamaSearch, paperSearch } from '../../search/settings.ts';
import { locate } from '../deviations.ts';
import { alike, gatedDecoders, missingLayer, range } from '../layers.ts';
import { rome, romePrefixes } from './about.ts';
import { wilkeSettings } from './settings.ts';

export const wilke = {
  ...rome,
  title: 'WilKE: ROME at a layer of its own for every edit, where the change fits what is there',
  paper: 'Hu et al. 2024, WilKE: Wise-Layer Knowledge Editor for Lifelong Knowledge Editing',
  settings: wilkeSettings,
  defaults: [
    {
      match: {},
      settings: (shape) => ({
        layers: range(0, Math.max(0, shape.layers - 2)),
        choose_by: 'mismatch' as const,
        ...paperSearch,
        prefixes: [
          [10, 5],
          [10, 10],
        ],
      }),
      source:
        "the search of ROME's repository, hparams/ROME/gpt2-xl.json; every layer that has one behind it, chosen by the paper's score",
    },
    {
      match: { model_types: gatedDecoders },
      settings: () => llamaSearch,
      source: `EasyEdit, hparams/ROME/llama-7b.yaml; ${alike}`,
    },
  ],
  misfit: ({ layers }, shape) => missingLayer('layers', layers, shape),
  needs: ({ layers, prefixes }, _, seed) => [...layers.map(secondMomentOf), contextPrefixesOf({ prefixes, seed })],
  reference: {
    code: 'its paper and the WilKE repository',
    compared: 'Changes of matrices',
    agreement: 3e-5,
    ownCode: 1e-7,
    deviations: [
      {
        reference:
          'Scores every layer by ||delta|| ||W_out||^2 / ||k||^2 (the paper), or by how much of W_out would change (the repository)',
        here: "`choose_by` says which; of the paper's score with the bare prompt's key. Layers at which the search finds nothing to add are passed over",
        why: 'They choose other layers, and are not the same method. A layer that no attention is above cannot answer, and would score best',
      },
      romePrefixes,
      ...locate,
    ],
  },
  load: () => import('#methods/rome/wilke-edit'),
} as const satisfies EditorDescription<typeof wilkeSettings>;
