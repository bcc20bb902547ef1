// SPHERE, described (Liu et al. 2025).
import type { EditorDescription } from '../../description.ts';
import { alphaEdit } from './about.ts';
import { sphereSettings } from './sphere-settings.ts';

export const sphere = {
  ...alphaEdit,
  title: 'SPHERE: AlphaEdit with a guard against the growth of norms, for long sequences of edits',
  paper: 'Liu et al. 2025, Energy-Regularized Sequential Model Editing on Hyperspheres',
  settings: sphereSettings,
  defaults: [
    ...alphaEdit.defaults,
    {
      match: {},
      settings: () => ({ cumulative_ratio: 0.5, suppression_strength: 0.5 }),
      source: 'EasyEdit, hparams/SPHERE/llama3-8b.yaml and gpt2-xl.yaml',
    },
  ],
  reference: {
    ...alphaEdit.reference,
    code: 'EasyEdit',
    deviations: [
      {
        reference:
          'Weakens changes on the side that the checkpoint stores last: what goes into the matrix in Llama, what comes out in GPT-2',
        here: 'On the side of what goes in, whichever way the checkpoint stores it',
        why: 'The equations are of one matrix; how it lies in a file is no part of them',
      },
      {
        reference: 'Decomposes a matrix of as many rows as keys have elements',
        here: 'Decomposes one of as many rows as the stream is wide, which has the same directions',
        why: 'It is the same answer, sooner',
      },
      ...alphaEdit.reference.deviations,
    ],
  },
  load: () => import('#methods/alpha-edit/sphere-edit'),
} as const satisfies EditorDescription<typeof sphereSettings>;
