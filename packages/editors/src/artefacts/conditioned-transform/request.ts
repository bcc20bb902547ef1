// Conditioned transforms as they are asked for: for which layers, what they are trained on, and how.
import { type ArtefactNeed, wholeModel } from '@errata/contracts';
import { z } from 'zod';
import { settingsOf, transformFields } from '../../hypernetworks/fields.ts';
import { transformFormats } from '../../hypernetworks/methods.ts';

export const conditionedTransformFormat = transformFormats.ke;

/** How one is trained where nobody says: the KnowledgeEditor repository's scripts and src/models, for questions and answers; clip and patience ours. */
const trainingDefaults = {
  network_rank: 128,
  steps: 200_000,
  batch_size: 64,
  edits_per_update: 1,
  learning_rate: 3e-4,
  rates_learning_rate: 0.1,
  decay: 1,
  smoothing: 0.1,
  largest_margin: 1e-3,
  smallest_margin: 1e-5,
  clip: 100,
  validation: 500,
  validate_every: 5000,
  patience: 20_000,
  seed: 0,
} as const;

export const conditionedTransformRequest = z.strictObject({
  ...transformFields(trainingDefaults, {
    layers: 'Whose MLPs are changed',
    size: 'Of the hidden states of its networks, of which what is read out of an edit has eight times the size',
    rates: 'Of the Lagrange multiplier of what edits are to leave alone',
  }),
  batch_size: z.int().min(1).max(4096).optional().describe('Updates whose gradients make a step; 64 when left out.'),
  smoothing: z
    .number()
    .min(0)
    .max(0.5)
    .optional()
    .describe('Probability that the loss spreads over all tokens but the wanted one; 0.1 when left out.'),
  largest_margin: z
    .number()
    .positive()
    .max(100)
    .optional()
    .describe('What the divergence on what edits are to leave alone may come to, at first; 1e-3 when left out.'),
  smallest_margin: z
    .number()
    .positive()
    .max(100)
    .optional()
    .describe(
      'And at last: it falls by a fifth for every checkpoint by which nine in ten edits hold; 1e-5 when left out.',
    ),
});
export type ConditionedTransformFields = z.output<typeof conditionedTransformRequest>;

/** All that decides how one is trained, its data apart. */
export type ConditionedTraining = { readonly [K in keyof typeof trainingDefaults]: number };

/** The settings of a request. */
export const conditionedTraining = (fields: ConditionedTransformFields): ConditionedTraining =>
  settingsOf(trainingDefaults, fields);

/** The transform of KE that changes the MLPs of these layers. */
export const conditionedTransformOf = (layers: readonly number[]): ArtefactNeed => ({
  kind: 'conditioned_transform',
  scope: wholeModel,
  parameters: { layers: [...layers] },
});
