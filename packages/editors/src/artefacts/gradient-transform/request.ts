// Gradient transforms as they are asked for: for which editor and layers, what they are trained on, and how.
import { type ArtefactNeed, largestInteger, pathSchema, wholeModel } from '@errata/contracts';
import { z } from 'zod';

export const gradientTransformFormat = 'errata-gradient-transform/1';

/** The editors that have one. */
export const transformMethods = ['mend'] as const;
export type TransformMethod = (typeof transformMethods)[number];

export const gradientTransformRequest = z.strictObject({
  method: z.enum(transformMethods).optional().describe('The editor that it is for; `mend` when left out.'),
  layers: z
    .array(z.int().min(0).max(10_000))
    .min(1)
    .max(64)
    .optional()
    .describe('Whose MLPs are changed, in ascending order; those of the editor by default when left out.'),
  data: pathSchema
    .optional()
    .describe(
      "A file of edits, one a line, with rephrases and locality probes, on the worker's machine; when left out, the transform that the model brought along is taken.",
    ),
  network_rank: z.int().min(1).max(65_536).optional().describe('Of the matrices of its networks; 1920 when left out.'),
  steps: z.int().min(1).max(largestInteger).optional().describe('Steps of the optimiser; 500000 when left out.'),
  batch_size: z.int().min(1).max(4096).optional().describe('Updates whose gradients make a step; 10 when left out.'),
  edits_per_update: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('Edits that are made at once by an update; 1 when left out.'),
  learning_rate: z.number().positive().max(1).optional().describe('Of the networks, by Adam; 1e-6 when left out.'),
  rates_learning_rate: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('Of the learning rates of the matrices, which are learned too; 1e-4 when left out.'),
  initial_rate: z.number().positive().max(1).optional().describe('What these begin at; 1e-4 when left out.'),
  decay: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Share of the run, at its end, over which both fall to zero; 0 when left out.'),
  edit_weight: z
    .number()
    .positive()
    .max(1000)
    .optional()
    .describe('Factor of the loss on what edits are to bring about; 0.1 when left out.'),
  locality_weight: z
    .number()
    .min(0)
    .max(1000)
    .optional()
    .describe('Factor of the divergence on what they are to leave alone; 1 when left out.'),
  clip: z
    .number()
    .positive()
    .optional()
    .describe('Largest norm of all gradients of a step together; 100 when left out.'),
  validation: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      'Edits at the end of the file that are not trained on, by which the checkpoint is chosen; 500 when left out.',
    ),
  validate_every: z
    .int()
    .min(1)
    .max(largestInteger)
    .optional()
    .describe('Steps between checkpoints, each of which is validated; 5000 when left out.'),
  patience: z
    .int()
    .min(1)
    .max(largestInteger)
    .optional()
    .describe('Steps without a better checkpoint after which training ends; 20000 when left out.'),
  seed: z.int().min(0).max(largestInteger).optional().describe('Of initial weights and batches; 0 when left out.'),
});
export type GradientTransformFields = z.output<typeof gradientTransformRequest>;

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

/** All that decides how one is trained, its data apart. */
export type TransformTraining = { readonly [K in keyof typeof trainingDefaults]: number };

/** The settings of a request. */
export const transformTraining = (fields: GradientTransformFields): TransformTraining => ({
  ...trainingDefaults,
  ...Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => value !== undefined && Object.hasOwn(trainingDefaults, field)),
  ),
});

/** The transform of an editor that changes the MLPs of these layers. */
export const gradientTransformOf = (method: TransformMethod, layers: readonly number[]): ArtefactNeed => ({
  kind: 'gradient_transform',
  scope: wholeModel,
  parameters: { method, layers: [...layers] },
});
