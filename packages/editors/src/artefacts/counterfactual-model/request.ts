// Counterfactual models as they are asked for: what they are trained on, of which sizes, and how.
import { type ArtefactNeed, largestInteger, pathSchema, wholeModel } from '@errata/contracts';
import { z } from 'zod';
import { knowledgeEncoderRequest } from '../knowledge-encoder/request.ts';

export const counterfactualModelFormat = 'errata-counterfactual-model/1';

export const counterfactualModelRequest = z.strictObject({
  data: pathSchema
    .optional()
    .describe(
      "A file of edits, one a line, with rephrases and locality probes, on the worker's machine; when left out, the counterfactual model that the model brought along is taken.",
    ),
  ...knowledgeEncoderRequest.pick({
    encoder: true,
    run_length: true,
    optimizer: true,
    learning_rate: true,
    warmup_steps: true,
    decay: true,
    encoder_layers: true,
    validation: true,
    validate_every: true,
    seed: true,
  }).shape,
  template: z
    .string()
    .max(1000)
    .regex(/\{prompt\}[\s\S]*\{target\}/, 'must hold {prompt} and, behind it, {target}')
    .optional()
    .describe('How a correction stands before a query; `{prompt}:{target}\\n` when left out.'),
  steps: z.int().min(1).max(largestInteger).optional().describe('Steps of the optimiser; 20000 when left out.'),
  batch_size: z.int().min(2).max(4096).optional().describe('Edits a step; 10 when left out.'),
  counterfactual_weight: z
    .number()
    .positive()
    .max(1000)
    .optional()
    .describe("Factor of the counterfactual model's loss; 0.1 when left out."),
  counterfactual_learning_rate: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('Peak learning rate of the counterfactual model; that of the rest when left out.'),
  representation: z
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe('Numbers in the vector of a correction or a query; 768 when left out.'),
  decoder_layers: z.int().min(1).max(48).optional().describe('Layers of the counterfactual model; 2 when left out.'),
  decoder_mlp: z
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe('Width of its MLPs; 4 times the width of the model when left out.'),
  fit_heads: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe(
      'Edits to whose texts the vectors are fitted before the first step, so that queries are near their corrections from the start (canonical correlations, Hotelling 1936); 0, when left out, leaves them at random numbers.',
    ),
});
export type CounterfactualModelFields = z.output<typeof counterfactualModelRequest>;

/** How one is trained where nobody says: as the authors' configuration has it, but for what is of models from nothing. */
export const trainingDefaults = {
  template: '{prompt}:{target}\n',
  steps: 20_000,
  batch_size: 10,
  run_length: 1,
  optimizer: 'adam',
  learning_rate: 1e-5,
  warmup_steps: 0,
  decay: 0,
  counterfactual_weight: 0.1,
  representation: 768,
  encoder_layers: 2,
  decoder_layers: 2,
  fit_heads: 0,
  validation: 200,
  validate_every: 3000,
  seed: 0,
} as const;

/** All that decides how one is trained, its data and text encoder apart. */
export type TrainingSettings = {
  readonly [K in Exclude<keyof typeof trainingDefaults, 'optimizer' | 'template'>]: number;
} & {
  readonly optimizer: 'adam' | 'muon';
  readonly template: string;
  readonly decoder_mlp: number;
  readonly counterfactual_learning_rate: number;
};

/** The settings of a request, for a model of that width. */
export function trainingSettings(width: number, fields: CounterfactualModelFields): TrainingSettings {
  const { data: _data, encoder: _encoder, ...said } = fields;
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  const { learning_rate: counterfactual_learning_rate = trainingDefaults.learning_rate } = fields;
  return { ...trainingDefaults, decoder_mlp: 4 * width, counterfactual_learning_rate, ...given };
}

/** What says which prompts a correction is about, and answers them. */
export const counterfactualModelNeed: ArtefactNeed = {
  kind: 'counterfactual_model',
  scope: wholeModel,
  parameters: {},
};
