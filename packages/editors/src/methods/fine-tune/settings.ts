// The settings of fine-tuning: of one MLP matrix (FT-M, FT-L), and of the matrices of layers (FT-attn, FT-full).
import { z } from 'zod';
import { layerSchema, layersSchema } from '../layers.ts';

const tuning = {
  learning_rate: z.number().positive().max(1).describe('Of Adam.'),
  epochs: z.int().min(1).max(1000).describe('Passes over the batch at most.'),
  batch_size: z.int().min(1).max(512).describe('Edits a step.'),
  weight_decay: z.number().min(0).describe('This multiple of the weights is added to their gradient.'),
  stop_loss: z
    .number()
    .min(0)
    .describe(
      "Training ends once the mean loss of a pass falls below this; smaller batches' steps are skipped below it.",
    ),
  norm_constraint: z
    .number()
    .positive()
    .nullable()
    .describe('Largest change of any weight (L-infinity); null for none.'),
  objective: z
    .enum(['target_new', 'prompt_last'])
    .describe(
      "`target_new`: cross-entropy over the target's tokens. `prompt_last`: all target tokens read at the prompt's last position.",
    ),
};

export const fineTuneSettings = z.strictObject({
  layer: layerSchema.describe('Where the matrix is.'),
  ...tuning,
});
export type FineTuneSettings = z.output<typeof fineTuneSettings>;

/** Maps of a layer: queries, keys and values together, what attention puts out, and what goes into an MLP and out of it. */
export const tunedMaps = ['attention_input', 'attention_output', 'mlp_input', 'mlp_output'] as const;
export type TunedMap = (typeof tunedMaps)[number];

export const fineTuneLayersSettings = z.strictObject({
  layers: layersSchema.nullable().describe('Whose matrices are trained, in ascending order; null for all.'),
  maps: z
    .array(z.enum(tunedMaps))
    .min(1)
    .refine((maps) => new Set(maps).size === maps.length, 'must be different')
    .describe(
      'Which of their matrices: queries, keys and values; the output of attention; what goes into the MLP; what comes out.',
    ),
  ...tuning,
});
export type FineTuneLayersSettings = z.output<typeof fineTuneLayersSettings>;
