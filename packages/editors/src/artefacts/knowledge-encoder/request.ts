// Knowledge encoders as they are asked for: what they are trained on, of which sizes, and how.
import { type ArtefactNeed, largestInteger, pathSchema, wholeModel } from '@errata/contracts';
import { z } from 'zod';

export const knowledgeEncoderFormat = 'errata-knowledge-encoder/1';

export const promptTokensSchema = z.int().min(1).max(64);

export const knowledgeEncoderRequest = z.strictObject({
  prompt_tokens: promptTokensSchema.optional().describe('Continuous prompts a correction becomes; 3 when left out.'),
  data: pathSchema
    .optional()
    .describe(
      "A file of edits, one a line, with rephrases and locality probes, on the worker's machine; when left out, the encoder that the model brought along is taken.",
    ),
  encoder: pathSchema
    .optional()
    .describe(
      "Directory of a BERT, RoBERTa or DistilBERT to train on from; when left out, a small one is trained from nothing over the model's own token embeddings.",
    ),
  steps: z.int().min(1).max(largestInteger).optional().describe('Steps of the optimiser; 150000 when left out.'),
  batch_size: z.int().min(2).max(4096).optional().describe('Edits a step; 8 when left out.'),
  edit_batch_size: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('Of these, those whose prompts are put before the language model; all when left out.'),
  run_length: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      'Edits that stand together in the file and are drawn together, as negatives of each other; 1 when left out.',
    ),
  optimizer: z
    .enum(['adam', 'muon'])
    .optional()
    .describe(
      '`adam` for all, or `muon` for matrices and Adam for the rest, at one learning rate; `adam` when left out.',
    ),
  learning_rate: z.number().positive().max(1).optional().describe('Peak learning rate; 1e-5 when left out.'),
  warmup_steps: z.int().min(0).max(largestInteger).optional().describe('Steps over which it rises; 0 when left out.'),
  decay: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Share of the run, at its end, over which it falls to zero; 0 when left out.'),
  contrastive_steps: z
    .int()
    .min(0)
    .max(largestInteger)
    .optional()
    .describe('The first so many steps train what finds corrections alone; 0 when left out.'),
  contrastive_weight: z
    .number()
    .positive()
    .max(1000)
    .optional()
    .describe('Factor of the contrastive losses; 1 when left out.'),
  representation: z.int().min(1).max(65_536).optional().describe('Numbers in a representation; 4096 when left out.'),
  sentinel_tokens: z.int().min(1).max(512).optional().describe('Pseudo-tokens of the sentinel; 10 when left out.'),
  encoder_layers: z.int().min(1).max(48).optional().describe('Layers of an encoder from nothing; 2 when left out.'),
  fit_heads: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe(
      'Edits to whose texts the heads are fitted before the first step, so that queries find their corrections from the start (canonical correlations, Hotelling 1936); 0, when left out, leaves them at random numbers.',
    ),
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
    .describe('Steps between checkpoints, each of which is validated; 3000 when left out.'),
  seed: z.int().min(0).max(largestInteger).optional().describe('Of initial weights and batches; 0 when left out.'),
});
export type KnowledgeEncoderFields = z.output<typeof knowledgeEncoderRequest>;

/** How one is trained where nobody says: as the authors' configuration has it, but for what an encoder from nothing is. */
export const trainingDefaults = {
  steps: 150_000,
  batch_size: 8,
  run_length: 1,
  optimizer: 'adam',
  learning_rate: 1e-5,
  warmup_steps: 0,
  decay: 0,
  contrastive_steps: 0,
  contrastive_weight: 1,
  representation: 4096,
  sentinel_tokens: 10,
  encoder_layers: 2,
  fit_heads: 0,
  validation: 200,
  validate_every: 3000,
  seed: 0,
} as const;

/** All that decides how one is trained, its data and text encoder apart. */
export type TrainingSettings = { readonly [K in Exclude<keyof typeof trainingDefaults, 'optimizer'>]: number } & {
  readonly optimizer: 'adam' | 'muon';
  readonly prompt_tokens: number;
  readonly edit_batch_size: number;
};

/** The settings of a request. */
export function trainingSettings(prompt_tokens: number, fields: KnowledgeEncoderFields): TrainingSettings {
  const said = Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => value !== undefined && Object.hasOwn(trainingDefaults, field)),
  );
  const settings = { ...trainingDefaults, ...said } as Omit<TrainingSettings, 'edit_batch_size' | 'prompt_tokens'>;
  const edit_batch_size = Math.min(fields.edit_batch_size ?? settings.batch_size, settings.batch_size);
  return { ...settings, edit_batch_size, prompt_tokens };
}

/** The knowledge encoder that makes so many continuous prompts of a correction. */
export const knowledgeEncoderOf = (prompt_tokens: number): ArtefactNeed => ({
  kind: 'knowledge_encoder',
  scope: wholeModel,
  parameters: { prompt_tokens },
});
