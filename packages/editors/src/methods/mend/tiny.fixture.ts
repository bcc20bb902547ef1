// Settings of MEND that let a random model be moved by a transform that leaves gradients as they are, for tests.
import type { MendSettings } from './settings.ts';

export const tinyMend: MendSettings = { layers: [2, 3], batch_size: 2, stop_loss: 1e-2 };

/** Of every matrix. */
export const tinyRate = 1e-2;
