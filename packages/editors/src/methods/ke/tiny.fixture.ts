// Settings of KE for a random model, for tests.
import type { KeSettings } from './settings.ts';

export const tinyKe: KeSettings = { layers: [2, 3], batch_size: 2, stop_loss: 1e-2 };
