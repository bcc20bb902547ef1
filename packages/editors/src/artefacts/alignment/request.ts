// Alignments as they are asked for: what they are trained on, of which sizes, and how.
import { type ArtefactNeed, largestInteger, pathSchema, wholeModel } from '@errata/contracts';
import { z } from 'zod';

export const alignmentFormat = 'errata-alignment/1';

/** What stands before a query, as LTE has it. @param fact a correction as a statement */
export const frontOf = (fact: string): string => `[Updated Information] ${fact}.\n[Query]\n`;

export const alignmentRequest = z.strictObject({
  data: pathSchema
    .optional()
    .describe(
      "A file of edits, one a line, with rephrases and locality probes, on the worker's machine; when left out, the alignment that the model brought along is taken.",
    ),
  lora_rank: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('Of the change of queries, keys and values of every layer; 8 when left out.'),
  lora_alpha: z
    .number()
    .positive()
    .max(1000)
    .optional()
    .describe('The change is lora_alpha / lora_rank times A B; 16 when left out.'),
  steps: z.int().min(1).max(largestInteger).optional().describe('Steps of the optimiser; 1500 when left out.'),
  batch_size: z.int().min(1).max(4096).optional().describe('Edits a step; 128 when left out.'),
  learning_rate: z.number().positive().max(1).optional().describe('Peak learning rate of Adam; 3e-4 when left out.'),
  warmup_steps: z.int().min(0).max(largestInteger).optional().describe('Steps over which it rises; 45 when left out.'),
  decay: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Share of the run, at its end, over which it falls to zero; 0.97 when left out.'),
  locality_weight: z
    .number()
    .min(0)
    .max(1000)
    .optional()
    .describe('Factor of the divergence on prompts that the correction before them is not about; 1 when left out.'),
  validation: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      'Edits at the end of the file that are not trained on, by which the checkpoint is chosen; 200 when left out.',
    ),
  validate_every: z
    .int()
    .min(1)
    .max(largestInteger)
    .optional()
    .describe('Steps between checkpoints, each of which is validated; 300 when left out.'),
  seed: z.int().min(0).max(largestInteger).optional().describe('Of initial weights and batches; 0 when left out.'),
});
export type AlignmentFields = z.output<typeof alignmentRequest>;

/**
 * How one is trained where nobody says: LTE's setting for LoRA (rank 8, alpha 16, 3e-4, on queries, keys and values, batches of 128, a rise over 0.03 of
 * the run), whose cosine is a straight line here; steps, validation and the factor ours.
 */
const trainingDefaults = {
  lora_rank: 8,
  lora_alpha: 16,
  steps: 1500,
  batch_size: 128,
  learning_rate: 3e-4,
  warmup_steps: 45,
  decay: 0.97,
  locality_weight: 1,
  validation: 200,
  validate_every: 300,
  seed: 0,
} as const;

/** All that decides how one is trained, its data apart. */
export type AlignmentTraining = { readonly [K in keyof typeof trainingDefaults]: number };

/** The settings of a request. */
export const alignmentTraining = (fields: AlignmentFields): AlignmentTraining => ({
  ...trainingDefaults,
  ...Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => value !== undefined && Object.hasOwn(trainingDefaults, field)),
  ),
});

export const alignmentNeed: ArtefactNeed = { kind: 'alignment', scope: wholeModel, parameters: {} };
