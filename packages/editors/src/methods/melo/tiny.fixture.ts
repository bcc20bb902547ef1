// Settings of MELO that let a random model be moved, for tests.
import type { MeloSettings } from './settings.ts';

export const tinyMelo: MeloSettings = {
  layer: 1,
  targets: [2, 3],
  rank: 2,
  scale: 20,
  block_edits: 2,
  radius: 0.01,
  steps: 60,
  learning_rate: 0.02,
  stop_loss: 1e-2,
};
