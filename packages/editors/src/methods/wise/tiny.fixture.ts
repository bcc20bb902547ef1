// Settings of WISE that let a random model be moved, for tests.
import type { WiseSettings } from './settings.ts';

export const tinyWise: WiseSettings = {
  layer: 2,
  mask_ratio: 0.5,
  steps: 40,
  learning_rate: 0.2,
  weight_decay: 1e-5,
  norm_constraint: 1,
  alpha: 0.2,
  beta: 0.6,
  gamma: 0.4,
  threshold_ratio: 0.8,
  shard_size: 100,
  merge_shards: null,
  density: 0.53,
  prefixes: [[2, 5]],
  unrelated: [[3, 8]],
  stop_loss: 1e-2,
};
