// Settings of SERAC for random models, whose classifiers were never trained: the nearest correction speaks whatever the prompt.
import type { SeracSettings } from './settings.ts';

export const tinySerac: SeracSettings = { classifier: 'vectors', candidates: 2, threshold: 0, stop_loss: 1e-2 };
