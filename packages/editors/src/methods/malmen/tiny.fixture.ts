// Settings of MALMEN that let a random model be moved by a transform that leaves gradients as they are, for tests.
import type { MalmenSettings } from './settings.ts';

export const tinyMalmen: MalmenSettings = { layers: [2, 3], batch_size: 2, stop_loss: 1e-2 };
