// r-ROME, described (Gupta et al. 2024).
import type { EditorDescription } from '../../description.ts';
import { locate } from '../deviations.ts';
import { rome, romeDefaults, romeDefaultsByModel, romePrefixes } from './about.ts';
import { rebuiltSettings } from './settings.ts';

export const rebuiltRome = {
  ...rome,
  title: 'r-ROME: rank-one edit of one MLP with the averaged key on both sides',
  paper: 'Gupta et al. 2024, Rebuilding ROME',
  settings: rebuiltSettings,
  defaults: [
    romeDefaults,
    {
      match: {},
      settings: () => ({ solve_for: 'offset' }),
      source:
        'measured on a hundred edits of atlas: generalization 0.945 against 0.941 with `bare_value`, which the reference code has, other relations 0.813 against 0.818, the rest equal',
    },
    ...romeDefaultsByModel,
  ],
  reference: {
    code: 'the repository of Rebuilding ROME',
    compared: 'Changes of matrices',
    agreement: 3e-5,
    ownCode: 1e-7,
    deviations: [
      {
        reference: "Makes the mean key's value the bare prompt's value plus the offset",
        here: 'Adds the offset to the value that the mean key has (`solve_for` chooses: `bare_value` is the reference)',
        why: "The offset was found as an addition to each context's own value",
      },
      romePrefixes,
      ...locate,
    ],
  },
  load: () => import('#methods/rome/rebuilt-edit'),
} as const satisfies EditorDescription<typeof rebuiltSettings>;
