// The settings of LoRA.
import { z } from 'zod';
import { layerSchema } from '../layers.ts';

/** The linear maps of a block in order of use, by names that hold for every family. */
export const mapNames = ['query', 'key', 'value', 'attention_output', 'mlp_gate', 'mlp_up', 'mlp_down'] as const;
export type MapName = (typeof mapNames)[number];

export const loraSettings = z.strictObject({
  rank: z.int().min(1).max(256).describe('Of the change of each map.'),
  alpha: z.number().positive().max(1000).describe('The change of a map is alpha / rank times A B.'),
  targets: z
    .array(z.enum(mapNames))
    .min(1)
    .max(mapNames.length)
    .refine((targets) => new Set(targets).size === targets.length, 'names a map twice')
    .describe(
      'The maps that are changed; where one matrix holds several, its part. MLPs without a gate have no `mlp_gate`.',
    ),
  layers: z
    .array(layerSchema)
    .min(1)
    .max(512)
    .refine((layers) => layers.every((each, index) => index === 0 || each > layers[index - 1]!), 'must ascend')
    .nullable()
    .describe('Where, in ascending order; null for all layers.'),
  learning_rate: z.number().positive().max(1).describe('Of Adam.'),
  epochs: z.int().min(1).max(1000).describe('Passes over the batch at most.'),
  batch_size: z.int().min(1).max(512).describe('Edits a step.'),
  weight_decay: z.number().min(0).describe('This multiple of A and B is added to their gradient.'),
  stop_loss: z
    .number()
    .min(0)
    .describe(
      "Training ends once the mean loss of a pass falls below this; smaller batches' steps are skipped below it.",
    ),
});
export type LoraSettings = z.output<typeof loraSettings>;
