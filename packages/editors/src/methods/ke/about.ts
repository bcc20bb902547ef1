// KE, described (De Cao et al. 2021).
import { conditionedTransformOf } from '../../artefacts/conditioned-transform/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { missingLayer, range } from '../layers.ts';
import { decodersAlone } from '../over-encoder.ts';
import { keSettings } from './settings.ts';

export const ke = {
  title: 'KE: one gradient, masked and shifted as a network that reads the edit says, on every map of some MLPs',
  paper: 'De Cao et al. 2021, Editing Factual Knowledge in Language Models (EMNLP 2021)',
  settings: keSettings,
  defaults: [
    {
      match: {},
      settings: ({ layers }) => ({
        layers: range(Math.max(0, layers - 3), layers - 1),
        batch_size: 10,
        stop_loss: 1e-2,
      }),
      source:
        'the layers that MEND changes, so that the two can be set beside each other (its authors change every layer); `stop_loss` as GRACE has it; edits of a run ours',
    },
  ],
  misfit: ({ layers }, shape) => missingLayer('layers', layers, shape),
  needs: ({ layers }) => [conditionedTransformOf(layers)],
  batched: true,
  subject: 'none',
  overEncoder: decodersAlone('its networks are trained on the gradients of prompts and targets in one text'),
  leaves: ['low_rank', 'dense'],
  reference: {
    code: 'the KnowledgeEditor repository',
    compared: 'Changes of matrices, of a batch and of one behind another',
    agreement: 3e-5,
    deviations: [
      {
        reference: 'Changes every matrix but embeddings and heads, of attention too',
        here: 'Changes the maps of the MLPs of chosen layers',
        why: 'Its networks grow with what they change; the factors of gradients are read there',
      },
      {
        reference: 'Reads the prediction before the edit as a beam search wrote it',
        here: "Reads the likeliest token at each of the target's places, given the new ones before it",
        why: 'It is there after one pass, and as long as the target',
      },
      {
        reference: 'Trains a copy of the embeddings for its reader, which in its code are those of the model itself',
        here: 'Reads by the embeddings of the model as they are',
        why: 'The model is not to change by training; a copy would be larger than all else that is trained',
      },
      {
        reference: 'Holds one edit a step against the other facts of a batch',
        here: 'Makes every edit of a batch, and holds each against a locality probe of its own',
        why: 'The same loss, of more edits a step',
      },
      {
        reference: 'Trains by RMSprop with a linear rise of the rate',
        here: 'Trains by Adam without one, rates falling to zero as there',
        why: 'As our training of MEND has it',
      },
      {
        reference:
          'Lowers the margin where nine in ten edits of the validation, rephrasings among them, are answered exactly',
        here: 'Lowers it where the share of their tokens is above 0.9, rephrasings apart',
        why: 'Validations count tokens',
      },
      layout,
      held,
    ],
  },
  load: () => import('#methods/ke/edit'),
} as const satisfies EditorDescription<typeof keSettings>;
