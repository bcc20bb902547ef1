// RECIPE, described: corrections as continuous prompts, retrieved by a trained encoder and a sentinel (Chen et al. 2024).
import { knowledgeEncoderOf } from '../../artefacts/knowledge-encoder/request.ts';
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { recipeSettings } from './settings.ts';

export const recipe = {
  title: 'RECIPE: continuous prompts, retrieved',
  paper:
    'Chen et al. 2024, Lifelong Knowledge Editing for LLMs with Retrieval-Augmented Continuous Prompt Learning (EMNLP 2024)',
  settings: recipeSettings,
  defaults: [
    {
      match: {},
      settings: () => ({ prompt_tokens: 3, continuous_prompts: true, sentinel: true, threshold: 0, stop_loss: 1e-2 }),
      source:
        "the authors' configuration (three prompts, the sentinel, the one best row); `stop_loss` as GRACE has it; `threshold`, which nothing is compared with as long as there is a sentinel, ours",
    },
  ],
  misfit: () => undefined,
  needs: ({ prompt_tokens }) => [knowledgeEncoderOf(prompt_tokens)],
  batched: false,
  subject: 'none',
  overEncoder: 'it puts vectors in front of the prompt, and an encoder is given tokens',
  leaves: ['prompt_rows'],
  reference: {
    code: "the authors' repository",
    compared: 'Representations and prompts of statements',
    agreement: 1e-5,
    deviations: [
      {
        reference:
          'Looks corrections up by the whole input, which under teacher forcing holds the answer but for its last token',
        here: 'Looks them up by the prompt alone',
        why: 'Whoever asks does not know the answer: their figures are of an easier task',
      },
      {
        reference:
          'Puts prompts in front of the first block: of GPT-J into the branch behind its norm, so that the residual stream is as it was and reads later tokens',
        here: 'Puts them in the place of token embeddings, whatever the family, behind the ids that every text begins with',
        why: 'A layer that reads tokens to come is no language model',
      },
      {
        reference: 'Learned positions (gpt2) are counted over the text alone, rotary ones over prompts and text',
        here: 'Positions are counted over both, in training as in serving',
        why: 'A cache that goes on from a prompt counts what is in it',
      },
      {
        reference:
          'Lengthens the attention mask at its end, while prompts stand at the beginning; inserts none where it is handed a cache, even an empty one',
        here: 'Prompts are part of the sequence: mask, cache and batches of unlike lengths follow',
        why: 'Right for whole texts one at a time only',
      },
      {
        reference: 'Four poolings where the paper names three: the pooler of the encoder is the first',
        here: 'The same four; of an encoder without a pooler it is trained from random numbers',
        why: 'Their results are of the code',
      },
      {
        reference: 'Trains on from RoBERTa, with heads of random numbers',
        here: 'The same, from RoBERTa or another; of an encoder from nothing heads can be fitted to the texts of edits first (`fit_heads`)',
        why: 'Words in common count for nothing under random heads where there is no pre-trained encoder: thousands of steps went by before queries found anything',
      },
      {
        reference: 'Cuts statements and queries that are too long for the encoder at the end',
        here: 'Keeps the end',
        why: 'A question stands behind what leads to it',
      },
      {
        reference: 'Leaves the checkpoint to be chosen to the user, of those saved every 3,000 iterations',
        here: 'Keeps the one with the best mean of reliability, generality and locality on edits that were not trained on',
        why: 'A choice that is written down can be made again',
      },
      {
        reference: 'Adds 1e-8 within logarithms',
        here: 'Takes log-probabilities from the logits',
        why: 'They are exact, and their gradient does not vanish where it is needed most',
      },
      {
        reference: 'A correction of the same question is one more row',
        here: 'It takes the place of the one before',
        why: 'Which of the two is found was up to rounding',
      },
      layout,
      { ...held, reference: 'Writes down every request' },
    ],
  },
  load: () => import('#methods/recipe/edit'),
} as const satisfies EditorDescription<typeof recipeSettings>;
