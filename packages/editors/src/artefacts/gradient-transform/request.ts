// Gradient transforms as they are asked for: for which editor and layers, what they are trained on, and how.
import { type ArtefactNeed, wholeModel } from '@errata/contracts';
import { z } from 'zod';
import { lossFields, settingsOf, transformFields } from '../../hypernetworks/fields.ts';
import { transformFormats } from '../../hypernetworks/methods.ts';

export const gradientTransformFormat = transformFormats.mend;

/** How one is trained where nobody says: MEND's config/alg/mend.yaml and config/config.yaml, with the paper's patience. */
const trainingDefaults = {
  network_rank: 1920,
  steps: 500_000,
  batch_size: 10,
  edits_per_update: 1,
  learning_rate: 1e-6,
  rates_learning_rate: 1e-4,
  initial_rate: 1e-4,
  decay: 0,
  edit_weight: 0.1,
  locality_weight: 1,
  clip: 100,
  validation: 500,
  validate_every: 5000,
  patience: 20_000,
  seed: 0,
} as const;

export const gradientTransformRequest = z.strictObject({
  method: z.enum(['mend']).optional().describe('The editor that it is for; `mend` when left out.'),
  ...transformFields(trainingDefaults, {
    layers: 'Whose MLPs are changed',
    size: 'Of the matrices of its networks',
    rates: 'Of the learning rates of the matrices, which are learned too',
  }),
  ...lossFields(trainingDefaults),
  batch_size: z.int().min(1).max(4096).optional().describe('Updates whose gradients make a step; 10 when left out.'),
});
export type GradientTransformFields = z.output<typeof gradientTransformRequest>;

/** All that decides how one is trained, its data apart. */
export type TransformTraining = { readonly [K in keyof typeof trainingDefaults]: number };

/** The settings of a request. */
export const transformTraining = (fields: GradientTransformFields): TransformTraining =>
  settingsOf(trainingDefaults, fields);

/** The transform of MEND that changes the MLPs of these layers. */
export const gradientTransformOf = (layers: readonly number[]): ArtefactNeed => ({
  kind: 'gradient_transform',
  scope: wholeModel,
  parameters: { method: 'mend', layers: [...layers] },
});
