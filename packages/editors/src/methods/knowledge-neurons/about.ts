// KN, described (Dai et al. 2022).
import { contextPrefixesOf } from '../../artefacts/context-prefixes/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { decodersAlone } from '../over-encoder.ts';
import { knowledgeNeuronSettings } from './settings.ts';

export const knowledgeNeurons = {
  title: 'KN: the values of the few neurons that an answer comes from, by integrated gradients',
  paper: 'Dai et al. 2022, Knowledge Neurons in Pretrained Transformers',
  settings: knowledgeNeuronSettings,
  defaults: [
    {
      match: {},
      settings: () => ({
        operation: 'edit',
        steps: 20,
        threshold: 0.2,
        agreement: 0.7,
        old_factor: 1,
        new_factor: 8,
        prefixes: [[5, 10]],
        stop_loss: 0.05,
      }),
      source:
        "knowledge-neurons repository, src/1_run_mlm.sh and src/2_get_kn.py; the factors from section 4.4 of the paper; its eight to twenty worded prompts a fact are contexts here, `stop_loss` is the other editors'",
    },
  ],
  misfit: () => undefined,
  needs: ({ prefixes }, _, seed) => [contextPrefixesOf({ prefixes, seed })],
  batched: false,
  subject: 'none',
  overEncoder: decodersAlone('it finds the neurons that foretell an answer behind a prompt'),
  leaves: ['low_rank'],
  reference: {
    code: 'the knowledge-neurons repository',
    compared: 'Changes of matrices',
    agreement: 3e-5,
    deviations: [
      {
        reference: 'Fills a mask of BERT; its successors for decoders continue over every token of an answer',
        here: "Attributes the first token of what the model answers now, at the prompt's last token",
        why: 'That token decides which answer it is; those behind it follow from it',
      },
      {
        reference: 'Knows the old answer as data',
        here: "Takes the model's own likeliest token behind the bare prompt",
        why: 'What is to be taken out is what the model says',
      },
      {
        reference: 'Asks each fact in several wordings',
        here: 'Asks it behind sampled texts',
        why: 'An edit has one wording; its rephrases are what it is judged by',
      },
      {
        reference: 'Leaves out neurons that more than a tenth of the facts of a relation have in common',
        here: 'Keeps them',
        why: 'An edit knows no other facts of its relation',
      },
      {
        reference:
          'Counts wordings as fractions, so that three of five are not 60 % once that was reached by steps of 0.05',
        here: 'Counts in whole hundredths',
        why: 'Which neurons are kept should not turn on the last bit',
      },
      {
        reference: 'Embeds answers of one token',
        here: "Puts in the sum of the head's rows of the target's tokens; the head is the embedding where they are tied",
        why: 'The head is what a value is read by',
      },
      layout,
      held,
    ],
  },
  load: () => import('#methods/knowledge-neurons/edit'),
} as const satisfies EditorDescription<typeof knowledgeNeuronSettings>;
