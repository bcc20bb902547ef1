// Settings of GRACE that let a random model be moved, for tests.
import type { GraceSettings } from './settings.ts';

export const tinyGrace: GraceSettings = {
  layer: 2,
  site: 'c_fc',
  replacement: 'last',
  epsilon: 0.05,
  steps: 200,
  learning_rate: 0.5,
  initial_value: 'cold',
  stop_loss: 1e-2,
};
