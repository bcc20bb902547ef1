// Settings of fine-tuning that let a random model be moved, for tests.
import { type FineTuneLayersSettings, type FineTuneSettings, tunedMaps } from './settings.ts';

export const tinyFtM: FineTuneSettings = {
  layer: 1,
  learning_rate: 5e-3,
  epochs: 40,
  batch_size: 2,
  weight_decay: 0,
  stop_loss: 1e-2,
  norm_constraint: null,
  objective: 'target_new',
};

export const tinyFtL: FineTuneSettings = { ...tinyFtM, epochs: 10, norm_constraint: 0.02, objective: 'prompt_last' };

const { layer: _, ...tiny } = tinyFtM;

export const tinyFtAttn: FineTuneLayersSettings = {
  ...tiny,
  layers: [1],
  maps: ['attention_input'],
  norm_constraint: 0.1,
};

export const tinyFtFull: FineTuneLayersSettings = { ...tiny, layers: [1, 2], maps: [...tunedMaps], weight_decay: 1e-4 };
