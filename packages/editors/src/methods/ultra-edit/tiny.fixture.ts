// Settings of UltraEdit that let a random model be moved, for tests.
import type { UltraEditSettings } from './settings.ts';

export const tinyUltraEdit: UltraEditSettings = { layers: [1, 2], learning_rate: 1e-3, batch_size: 2, stop_loss: 1e-2 };
