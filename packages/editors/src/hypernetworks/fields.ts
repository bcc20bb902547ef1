// What a request for a trained transform says, alike for all methods: each field with what is taken where it is left out.
import { largestInteger, pathSchema } from '@errata/contracts';
import { z } from 'zod';

/** How one is trained where nobody says. */
export interface TransformDefaults {
  readonly network_rank: number;
  readonly steps: number;
  readonly edits_per_update: number;
  readonly learning_rate: number;
  readonly rates_learning_rate: number;
  readonly decay: number;
  readonly clip: number;
  readonly validation: number;
  readonly validate_every: number;
  readonly patience: number;
  readonly seed: number;
}

const otherwise = (value: number): string => {
  const [mantissa, exponent] = value.toExponential().split('e');
  return `${value < 1e-3 && value > 0 ? `${mantissa}e${exponent}` : value} when left out.`;
};

/** @param own what a method calls the layers it changes, the size of its networks, and what learns at a rate of its own */
export const transformFields = (
  defaults: TransformDefaults,
  own: { readonly layers: string; readonly size: string; readonly rates: string },
) => ({
  layers: z
    .array(z.int().min(0).max(10_000))
    .min(1)
    .max(64)
    .optional()
    .describe(`${own.layers}, in ascending order; those of the editor by default when left out.`),
  data: pathSchema
    .optional()
    .describe(
      "A file of edits, one a line, with rephrases and locality probes, on the worker's machine; when left out, the transform that the model brought along is taken.",
    ),
  network_rank: z
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe(`${own.size}; ${otherwise(defaults.network_rank)}`),
  steps: z
    .int()
    .min(1)
    .max(largestInteger)
    .optional()
    .describe(`Steps of the optimiser; ${otherwise(defaults.steps)}`),
  edits_per_update: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe(`Edits that are made at once by an update; ${otherwise(defaults.edits_per_update)}`),
  learning_rate: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe(`Of the networks, by Adam; ${otherwise(defaults.learning_rate)}`),
  rates_learning_rate: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe(`${own.rates}; ${otherwise(defaults.rates_learning_rate)}`),
  decay: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(`Share of the run, at its end, over which both fall to zero; ${otherwise(defaults.decay)}`),
  clip: z
    .number()
    .positive()
    .optional()
    .describe(`Largest norm of all gradients of a step together; ${otherwise(defaults.clip)}`),
  validation: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      `Edits at the end of the file that are not trained on, by which the checkpoint is chosen; ${otherwise(defaults.validation)}`,
    ),
  validate_every: z
    .int()
    .min(1)
    .max(largestInteger)
    .optional()
    .describe(`Steps between checkpoints, each of which is validated; ${otherwise(defaults.validate_every)}`),
  patience: z
    .int()
    .min(1)
    .max(largestInteger)
    .optional()
    .describe(`Steps without a better checkpoint after which training ends; ${otherwise(defaults.patience)}`),
  seed: z
    .int()
    .min(0)
    .max(largestInteger)
    .optional()
    .describe(`Of initial weights and batches; ${otherwise(defaults.seed)}`),
});

/** How the loss is made up, and what the learning rates of matrices begin at. */
export const lossFields = (defaults: {
  readonly initial_rate: number;
  readonly edit_weight: number;
  readonly locality_weight: number;
}) => ({
  initial_rate: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe(`What the learning rates of the matrices begin at; ${otherwise(defaults.initial_rate)}`),
  edit_weight: z
    .number()
    .positive()
    .max(1000)
    .optional()
    .describe(`Factor of the loss on what edits are to bring about; ${otherwise(defaults.edit_weight)}`),
  locality_weight: z
    .number()
    .min(0)
    .max(1000)
    .optional()
    .describe(`Factor of the divergence on what they are to leave alone; ${otherwise(defaults.locality_weight)}`),
});

/** The settings of a request, its layers and data apart. */
export const settingsOf = <Defaults extends TransformDefaults>(
  defaults: Defaults,
  fields: object,
): { readonly [K in keyof Defaults]: number } => ({
  ...defaults,
  ...Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => value !== undefined && Object.hasOwn(defaults, field)),
  ),
});
