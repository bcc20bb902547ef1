// Settings of RASE for random models and encoders: the nearest correction speaks, whatever the prompt.
import { tinyRome } from '../rome/tiny.fixture.ts';
import { tinyTPatcher } from '../t-patcher/tiny.fixture.ts';
import type { RaseSettings, RPatcherSettings } from './settings.ts';

const gate = { prompt_tokens: 3, threshold: -1, lead: 2, spread: 0, among: 2 };

export const tinyRase: RaseSettings = { ...tinyRome, ...gate };
export const tinyRPatcher: RPatcherSettings = { ...tinyTPatcher, ...gate };
