// Settings of PMET that let a random model be moved, for tests.
import { tinyMemit } from '../memit/tiny.fixture.ts';
import type { PmetSettings } from './settings.ts';

export const tinyPmet: PmetSettings = { ...tinyMemit, won_nll_factor: 0.1, won_kl: 0.01 };
