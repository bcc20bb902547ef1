// R-Patcher, described: RASE with patches of T-Patcher's neurons (Han et al. 2023).
import { knowledgeEncoderOf } from '../../artefacts/knowledge-encoder/request.ts';
import type { EditorDescription } from '../../description.ts';
import { tPatcher } from '../t-patcher/about.ts';
import { gateDefaults, gateDeviations, rasePaper } from './about.ts';
import { rPatcherSettings } from './settings.ts';

export const rPatcher = {
  title: 'R-Patcher: neurons of T-Patcher, retrieved as those of RASE are',
  paper: rasePaper,
  settings: rPatcherSettings,
  defaults: [
    ...tPatcher.defaults,
    {
      match: {},
      settings: () => ({ memory_weight: 0, memory_loss: 1e6 }),
      source: "the paper: trained without T-Patcher's loss on other texts, which the gate keeps from it",
    },
    gateDefaults,
  ],
  misfit: tPatcher.misfit,
  needs: (settings, shape, seed) => [
    knowledgeEncoderOf(settings.prompt_tokens),
    ...tPatcher.needs(settings, shape, seed),
  ],
  batched: false,
  subject: 'none',
  overEncoder: tPatcher.overEncoder,
  leaves: ['patch_rows'],
  reference: {
    code: "the authors' repository, and the Transformer-Patcher repository",
    compared: 'Vectors of corrections and patches',
    agreement: 1e-4,
    deviations: [...gateDeviations, ...tPatcher.reference.deviations],
  },
  load: () => import('#methods/rase/r-patcher-edit'),
} as const satisfies EditorDescription<typeof rPatcherSettings>;
