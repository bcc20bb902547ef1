// Settings of ROME and r-ROME that let a random model be moved, for tests.
import { tinySearch } from '../tiny-search.fixture.ts';
import type { RebuiltSettings, RomeSettings } from './settings.ts';

export const tinyRome: RomeSettings = { layer: 1, ...tinySearch, second_moment: true };
export const tinyRebuilt: RebuiltSettings = { ...tinyRome, solve_for: 'offset' };
