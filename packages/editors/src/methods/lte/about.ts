// LTE, described: a model that was taught to go by corrections before its prompts, and retrieval of them (Jiang et al. 2024).
import { alignmentNeed } from '../../artefacts/alignment/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { decodersAlone } from '../over-encoder.ts';
import { lteSettings } from './settings.ts';

export const lte = {
  title: 'LTE: retrieved corrections in words, and a model that was taught to go by them',
  paper: 'Jiang et al. 2024, Learning to Edit: Aligning LLMs with Knowledge Editing (ACL 2024)',
  settings: lteSettings,
  defaults: [
    {
      match: {},
      settings: () => ({ threshold: 0.5, top_k: 1, stop_loss: 1e-2 }),
      source:
        "the authors' configuration (one correction before a prompt); `threshold` as retrieval has it, `stop_loss` as GRACE",
    },
  ],
  misfit: () => undefined,
  needs: () => [alignmentNeed],
  batched: false,
  subject: 'used',
  overEncoder: decodersAlone('its alignment changes the queries, keys and values of one stack of layers'),
  leaves: ['aligned_rows'],
  reference: {
    code: "the authors' repository",
    compared: 'Texts before prompts, and losses and gradients of the alignment',
    agreement: 1e-4,
    deviations: [
      {
        reference: 'The aligned model takes the place of the model for all that it is asked',
        here: 'It answers prompts that a correction is put before; every other is answered by the model as it was',
        why: 'What no correction is about stays as it was, to the bit, and so does what the model can do',
      },
      {
        reference: 'Every prompt is given the most similar corrections, by a sentence encoder, however unlike they are',
        here: 'A correction must be as similar as `threshold` asks, by the subject and the words; 0 gives every prompt the nearest',
        why: 'Without a correction before it a prompt costs nothing more',
      },
      {
        reference:
          'Trained on some sixty thousand examples, free texts among them, whose answers out of scope are written by a larger model',
        here: 'Trained on edits with rewordings and locality probes; out of scope by the divergence from what the model itself says without the correction',
        why: 'What is to stay is what this model says',
      },
      {
        reference: 'Learning rate by a cosine',
        here: 'By a straight line, as all that is trained here',
        why: 'One schedule for all',
      },
      {
        reference: 'LoRA with a dropout of 0.05',
        here: 'Without dropout',
        why: 'Equal requests give equal bytes',
      },
      {
        reference: 'A correction of the same question is one more text',
        here: 'It takes the place of the one before',
        why: 'Which of the two is found was up to rounding',
      },
      layout,
      { ...held, reference: 'Writes down every request' },
    ],
  },
  load: () => import('#methods/lte/edit'),
} as const satisfies EditorDescription<typeof lteSettings>;
