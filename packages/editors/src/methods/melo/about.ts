// MELO, described: LoRA blocks behind an index of prompts (Yu et al. 2024).
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { missingLayer } from '../layers.ts';
import { decodersAlone } from '../over-encoder.ts';
import { meloSettings } from './settings.ts';

export const melo = {
  title: 'MELO: LoRA blocks, of which an index of prompts gives each one at most',
  paper: 'Yu et al. 2024, MELO: Enhancing Model Editing with Neuron-Indexed Dynamic LoRA',
  settings: meloSettings,
  defaults: [
    {
      match: {},
      settings: ({ layers }) => {
        const layer = Math.max(0, Math.min(Math.max(0, layers - 3), Math.round(0.74 * (layers - 1))));
        return {
          layer,
          targets: [layer + 1, layer + 2].filter((target) => target < layers),
          rank: 2,
          scale: 350,
          block_edits: 4,
          radius: 0.5,
          steps: 50,
          learning_rate: 1e-3,
        };
      },
      source:
        'MELO repository, config/model/gpt2xl.yaml and config/experiment/hallucination.yaml (layers 35, and 36 and 37 of 48; 350 blocks); others at the same relative depth',
    },
    { match: {}, settings: () => ({ stop_loss: 1e-2 }), source: 'as GRACE has it' },
  ],
  misfit({ layer, targets }, shape) {
    const missing = missingLayer('layer', [layer], shape) ?? missingLayer('targets', targets, shape);
    if (missing !== undefined || targets.every((target) => target > layer)) return missing;
    return { field: 'targets', message: `the blocks must be behind layer ${layer}, which says who gets one` };
  },
  needs: () => [],
  batched: true,
  subject: 'none',
  overEncoder: decodersAlone('it tells edits apart by the clusters of their prompts at a layer'),
  leaves: ['lora_block'],
  reference: {
    code: 'the MELO repository',
    compared: 'Changes of maps, points and centres and radii of clusters',
    agreement: 1e-4,
    deviations: [
      {
        reference:
          'Applies a block at every token of a run; a token that is generated from cached keys and values is looked up by itself',
        here: 'Applies it at the tokens of the prompt, in training too',
        why: 'Generated tokens are no questions; what is trained is what is served',
      },
      {
        reference: 'Takes two targets for the same where the sums of their token ids are',
        here: 'Compares the token ids',
        why: 'Different answers with one sum were taken for one',
      },
      {
        reference:
          'Looks all edits of a batch up before any is put into the index; those of the first batch get clusters of their own',
        here: 'Puts one after another',
        why: 'The index does not depend on how edits were cut into batches',
      },
      {
        reference: 'A split sets both radii to half the distance, also where they were smaller',
        here: 'It never grows a radius',
        why: 'A ball would reach again over queries that an earlier split had taken from it',
      },
      {
        reference: 'Has a number of blocks that is set beforehand, and scales by it',
        here: '`scale` is a setting, and there are as many blocks as are made',
        why: 'A version has as many edits as it gets',
      },
      {
        reference: 'Keeps radii and centres as edits leave them',
        here: 'Makes the clusters of the points of all blocks that are there',
        why: 'What is taken back leaves no radius behind',
      },
      {
        reference: 'Takes every step, and takes the mean loss over all tokens of a batch',
        here: 'Ends below `stop_loss`, and takes the mean over edits of the mean over their tokens',
        why: 'What is learnt is not learnt again; long answers are no more than short ones',
      },
      layout,
      { ...held, reference: 'Edits what the model gets wrong alone' },
    ],
  },
  load: () => import('#methods/melo/edit'),
} as const satisfies EditorDescription<typeof meloSettings>;
