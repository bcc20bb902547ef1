// GRACE, described (Hartvigsen et al. 2023).
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { alike, atBeforeLast, gatedDecoders, missingLayer } from '../layers.ts';
import { graceSettings } from './settings.ts';

export const grace = {
  title: 'GRACE: a codebook of keys and values beside one layer',
  paper: 'Hartvigsen et al. 2023, Aging with GRACE',
  settings: graceSettings,
  defaults: [
    {
      match: {},
      settings: (shape) => ({
        layer: atBeforeLast(0.74, shape),
        site: 'c_fc',
        replacement: 'last',
        epsilon: 1,
        steps: 100,
        learning_rate: 1,
        initial_value: 'cold',
        stop_loss: 1e-2,
      }),
      source:
        'GRACE repository, gpt2-xl (layer 35 of 48, c_fc); others at the same relative depth, but never at the last layer, behind which nothing attends; `replacement` as in EasyEdit, where the GRACE repository has `prompt`',
    },
    {
      match: { model_types: gatedDecoders },
      settings: (shape) => ({ layer: atBeforeLast(0.87, shape), site: 'c_proj', steps: 50 }),
      source: `EasyEdit, LLaMA-2-7B (layer 27 of 32, down_proj); others at the same relative depth, but never at the last layer; ${alike}`,
    },
  ],
  misfit({ layer, replacement }, shape) {
    const missing = missingLayer('layer', [layer], shape);
    if (missing !== undefined || replacement !== 'prompt' || layer < shape.layers - 1) return missing;
    return {
      field: 'layer',
      message: `layer ${layer} is the last: what replaces outputs before the prompt's end is attended to by no layer after it`,
    };
  },
  needs: () => [],
  batched: false,
  subject: 'none',
  overEncoder: null,
  leaves: ['codebook_rows'],
  reference: {
    code: 'the GRACE repository, with what EasyEdit made of it',
    compared: 'Keys, values and radii',
    agreement: 3e-5,
    ownCode: 1e-7,
    deviations: [
      {
        reference:
          "Replaces the outputs of all prompt positions before the key's (`replace_prompt`; EasyEdit: that of the key's, `replace_last`)",
        here: "Replaces the output of the key's position (`replacement` chooses: `prompt` is the GRACE repository's)",
        why: 'Both write every answer into atlas (40 edits); into SmolLM2-135M `last` writes 9 of 12 so that free generation gives exactly them, `prompt` 2',
      },
      {
        reference: 'Takes every step, the last one without looking at what it did',
        here: 'Ends below `stop_loss`, and takes no step after the last loss that was looked at',
        why: 'What is said of a value is of the value that is kept',
      },
      {
        reference: 'Takes two targets for the same where the means of their token ids are',
        here: 'Compares the token ids',
        why: 'Different answers with one mean were merged into one row',
      },
      {
        reference: "A split sets the neighbour's radius to half the distance, also where it was smaller",
        here: 'It never grows a radius',
        why: 'A ball would reach again over queries that an earlier split had taken from it',
      },
      {
        reference: 'A ball that grows ends on the key it grew for',
        here: 'It ends a hundred-thousandth of the distance behind it',
        why: 'The same key, computed in another batch, is off by rounding: one in five was missed',
      },
      {
        reference: 'A question that is corrected again gets a second row on the same key, of radius zero',
        here: 'Its row takes the new answer',
        why: 'The first of two rows on one key is found, so that the correction was never given',
      },
      {
        reference: 'Looks for a key at every forward pass, at the position that the last prompt had',
        here: 'Looks at the last position of every prompt, in batches too, and nowhere else',
        why: 'Generated tokens are no questions',
      },
      layout,
      { ...held, reference: 'Edits every request; the experiments ask beforehand whether the model errs' },
    ],
  },
  load: () => import('#methods/grace/edit'),
} as const satisfies EditorDescription<typeof graceSettings>;
