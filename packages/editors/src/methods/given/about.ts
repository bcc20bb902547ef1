// Given, described: what was changed elsewhere becomes an edit like any other.
import { weightChangeOf } from '../../artefacts/weight-change/request.ts';
import type { EditorDescription } from '../../description.ts';
import { givenSettings } from './settings.ts';

export const given = {
  title: 'Given: a change of the weights that was made elsewhere, taken as it is',
  paper:
    'none: an adapter of PEFT or a fine-tuned copy, whoever made it; the edits say what it is to change, and are what it is judged by',
  settings: givenSettings,
  defaults: [
    {
      match: {},
      settings: () => ({ change: null, onto: 'difference' }),
      source: 'ours: no change is meant before one is named',
    },
  ],
  misfit: () => undefined,
  needs: ({ change }) => (change === null ? [] : [weightChangeOf(change)]),
  batched: true,
  subject: 'none',
  overEncoder: null,
  leaves: ['low_rank', 'dense'],
  reference: null,
  load: () => import('#methods/given/edit'),
} as const satisfies EditorDescription<typeof givenSettings>;
