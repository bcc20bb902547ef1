// IKE, described (Zheng et al. 2023).
import { demonstrationsNeed } from '../../artefacts/demonstrations/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { ikeSettings } from './settings.ts';

export const ike = {
  title: 'IKE: corrections behind demonstrations of their scope, put in front of the prompt as text',
  paper: 'Zheng et al. 2023, Can We Edit Factual Knowledge by In-Context Learning?',
  settings: ikeSettings,
  defaults: [
    {
      match: {},
      settings: () => ({
        template: 'New Fact: {fact}\nPrompt: {prompt}',
        separator: '\n\n',
        copy: 4,
        update: 12,
        retain: 16,
        own: true,
        context_share: 0.5,
        threshold: 0.5,
        stop_loss: 1e-2,
      }),
      source:
        'IKE repository (32 demonstrations, 1:3:4); `threshold` as in `retrieval`, where the authors show every prompt the correction (0 does so); `context_share` ours; `stop_loss` as GRACE has it',
    },
  ],
  misfit: ({ copy, update, retain }) =>
    copy + update + retain > 0
      ? undefined
      : { field: 'retain', message: 'nothing is to be demonstrated: `retrieval` is the editor for that' },
  needs: () => [demonstrationsNeed],
  batched: false,
  subject: 'used',
  overEncoder: null,
  leaves: ['text_rows'],
  reference: {
    code: 'the IKE repository',
    compared: 'Texts in front of prompts',
    agreement: 1e-9,
    deviations: [
      {
        reference: 'Ranks demonstrations by the cosine of sentence embeddings (all-MiniLM-L6-v2)',
        here: 'Ranks them by the cosine of weighted n-grams, as `retrieval` finds rows',
        why: 'No second model is needed',
      },
      {
        reference: 'Shuffles the kinds of demonstrations, and draws which rephrasing or neighbour is shown',
        here: 'Mixes the kinds evenly, and takes rephrasings and neighbours in turn',
        why: 'Equal inputs give equal rows, and where only some demonstrations fit they have about the ratio',
      },
      {
        reference: 'Shows the correction to every prompt, those that have nothing to do with it too',
        here: 'Shows each prompt the correction that it is most similar to, from `threshold` on',
        why: 'A version holds many corrections, and other prompts are to get the bits of before',
      },
      {
        reference: 'Answers a neighbour with the true answer of the fact, which CounterFact has them share',
        here: "Answers it with the neighbour's own",
        why: 'In other data sets they do not share it',
      },
      {
        reference: 'Takes demonstrations from records that are not edited',
        here: "Takes any but those of the correction's own prompt or subject",
        why: 'What is edited is not known beforehand',
      },
      {
        reference: 'Splits the whole text into tokens at once',
        here: 'Splits what stands in front, and the prompt, each by itself',
        why: 'A prompt has its tokens whatever stands in front of it',
      },
      layout,
      { ...held, reference: 'Edits every request' },
    ],
  },
  load: () => import('#methods/ike/edit'),
} as const satisfies EditorDescription<typeof ikeSettings>;
