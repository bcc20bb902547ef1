// Shift transforms as they are asked for: for which layers, what they are trained on, and how.
import { type ArtefactNeed, wholeModel } from '@errata/contracts';
import { z } from 'zod';
import { lossFields, settingsOf, transformFields } from '../../hypernetworks/fields.ts';
import { transformFormats } from '../../hypernetworks/methods.ts';

export const shiftTransformFormat = transformFormats.malmen;

/** How one is trained where nobody says: the MALMEN repository's config/editor/malmen.yaml and config/data/zsre.yaml; steps, validation and patience ours. */
const trainingDefaults = {
  network_rank: 1920,
  steps: 500,
  edits_per_update: 512,
  run_size: 32,
  learning_rate: 1e-5,
  rates_learning_rate: 1e-5,
  initial_rate: 1e-6,
  decay: 0,
  edit_weight: 1,
  locality_weight: 1,
  clip: 1,
  validation: 512,
  validate_every: 50,
  patience: 200,
  seed: 0,
} as const;

export const shiftTransformRequest = z.strictObject({
  ...transformFields(trainingDefaults, {
    layers: 'Whose MLPs have their last map changed',
    size: 'Of the matrices of its networks',
    rates: 'Of the learning rates and the ridges of the matrices, which are learned too',
  }),
  ...lossFields(trainingDefaults),
  run_size: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('Edits of a step that are in one run of the model; 32 when left out.'),
});
export type ShiftTransformFields = z.output<typeof shiftTransformRequest>;

/** All that decides how one is trained, its data apart. */
export type ShiftTraining = { readonly [K in keyof typeof trainingDefaults]: number };

/** The settings of a request. */
export const shiftTraining = (fields: ShiftTransformFields): ShiftTraining => settingsOf(trainingDefaults, fields);

/** The transform of MALMEN that changes the last map of the MLPs of these layers. */
export const shiftTransformOf = (layers: readonly number[]): ArtefactNeed => ({
  kind: 'shift_transform',
  scope: wholeModel,
  parameters: { layers: [...layers] },
});
