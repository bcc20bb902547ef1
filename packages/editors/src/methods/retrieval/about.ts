// Retrieval, described: the plain alternative to changing a model.

import { sentenceEncoderNeed } from '../../artefacts/sentence-encoder/request.ts';
import type { EditorDescription } from '../../description.ts';
import { retrievalSettings } from './settings.ts';

export const retrieval = {
  title: 'Retrieval: the most similar corrections, put in front of the prompt as text',
  paper: 'the plain alternative to editing; in-context editing without demonstrations, as in Zheng et al. 2023 (IKE)',
  settings: retrievalSettings,
  defaults: [
    {
      match: {},
      settings: () => ({
        template: 'New fact: {fact}.\n',
        similarity: 'words',
        threshold: 0.5,
        top_k: 1,
        stop_loss: 1e-2,
      }),
      source:
        'ours: behind forty edits of atlas every rephrasing reaches the threshold, and 2 % of prompts about other subjects do; `stop_loss` as GRACE has it',
    },
  ],
  misfit: () => undefined,
  needs: ({ similarity }) => (similarity === 'encoder' ? [sentenceEncoderNeed] : []),
  batched: false,
  subject: 'used',
  overEncoder: null,
  leaves: ['text_rows', 'embedded_rows'],
  reference: null,
  load: () => import('#methods/retrieval/edit'),
} as const satisfies EditorDescription<typeof retrievalSettings>;
