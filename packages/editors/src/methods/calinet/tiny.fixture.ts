// Settings of CaliNET that let a random model be moved, for tests.
import type { CaliNetSettings } from './settings.ts';

export const tinyCaliNet: CaliNetSettings = {
  layer: 3,
  activation: 'own',
  neurons: 8,
  steps: 60,
  learning_rate: 0.03,
  warmup_steps: 5,
  stop_loss: 1e-2,
};
