// SERAC, described: corrections kept as they are, a classifier of their scope, and a small model that answers within it (Mitchell et al. 2022).
import { counterfactualModelNeed } from '../../artefacts/counterfactual-model/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { decodersAlone } from '../over-encoder.ts';
import { seracSettings } from './settings.ts';

export const serac = {
  title: 'SERAC: a scope classifier, and a counterfactual model that answers in scope',
  paper: 'Mitchell et al. 2022, Memory-Based Model Editing at Scale',
  settings: seracSettings,
  defaults: [
    {
      match: {},
      settings: () => ({ classifier: 'vectors', candidates: 8, threshold: 0.5, stop_loss: 1e-2 }),
      source:
        "the authors' configuration (vectors, the nearest correction, 0.5); `candidates` ours; `stop_loss` as GRACE has it",
    },
  ],
  misfit: () => undefined,
  needs: () => [counterfactualModelNeed],
  batched: false,
  subject: 'none',
  overEncoder: decodersAlone(
    'its counterfactual model answers in the place of the version, from prompt and correction in one text',
  ),
  leaves: ['scoped_rows'],
  reference: {
    code: "the authors' repository",
    compared: 'Vectors of corrections, pairs, losses and gradients',
    agreement: 1e-5,
    deviations: [
      {
        reference: 'A pre-trained small model answers (T5-small for T5-large), DistilBERT tells the scope',
        here: 'A decoder from nothing over the token embeddings of the model itself, and an encoder from nothing or a BERT, RoBERTa or DistilBERT',
        why: 'Both models must share one vocabulary, so that an answer goes on token by token wherever it came from; all is trained here, and small',
      },
      {
        reference: 'One vector of a text, the first token of the last layer, for corrections and queries alike',
        here: 'Four poolings and a head each for corrections and for queries',
        why: 'A correction says more than the query that asks for it; of an encoder from nothing the heads can be fitted in closed form (`fit_heads`)',
      },
      {
        reference: 'Reads every correction together with the query, where the classifier reads pairs',
        here: 'Reads the nearest `candidates` so',
        why: 'The cost would grow with every edit; with as many candidates as corrections it is the same',
      },
      {
        reference: 'Holds the classifier against the pairs of a batch, drawn',
        here: 'Holds each query against the nearest correction of the batch that it is not known to be about',
        why: 'What decides in a memory is the nearest; two edits of a batch may be of one prompt',
      },
      {
        reference: 'Reads corrections anew for every query',
        here: 'Keeps their vectors in the rows, and compares all in one product, the best again exactly',
        why: 'They do not change',
      },
      {
        reference: 'Generates for one prompt at a time',
        here: 'Each prompt of a batch goes its own way',
        why: 'One decision for a batch answers unrelated prompts by a correction',
      },
      {
        reference: 'The counterfactual model is trained on the answer alone',
        here: 'On the answer and the end of the text behind it',
        why: 'What it would say on has no ground',
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
  load: () => import('#methods/serac/edit'),
} as const satisfies EditorDescription<typeof seracSettings>;
