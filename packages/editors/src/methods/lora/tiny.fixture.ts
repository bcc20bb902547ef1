// Settings of LoRA that let a random model be moved, for tests.
import type { LoraSettings } from './settings.ts';

export const tinyLora: LoraSettings = {
  rank: 4,
  alpha: 8,
  targets: ['query', 'value', 'mlp_down'],
  layers: null,
  learning_rate: 1e-2,
  epochs: 40,
  batch_size: 2,
  weight_decay: 0,
  stop_loss: 1e-2,
};
