// Settings of LTE for random models.
import type { LteSettings } from './settings.ts';

export const tinyLte: LteSettings = { threshold: 0.5, top_k: 1, stop_loss: 1e-2 };
