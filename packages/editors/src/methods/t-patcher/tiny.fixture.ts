// Settings of T-Patcher that let a random model be moved, for tests.
import type { TPatcherSettings } from './settings.ts';

export const tinyTPatcher: TPatcherSettings = {
  layer: 3,
  activation: 'own',
  neurons: 5,
  prefixes: [[2, 5]],
  steps: 60,
  first_check: 20,
  check_every: 10,
  learning_rate: 0.05,
  weight_decay: 1e-2,
  initial_scale: 10,
  activation_weight: 1,
  memory_weight: 10,
  margin: 3,
  greatest: 10,
  memory_loss: 1e-3,
  stop_loss: 1e-2,
};
