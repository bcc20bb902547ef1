// Settings of ROME and its kin that let a random model be moved, for tests.
import { tinySearch } from '../tiny-search.fixture.ts';
import type { RebuiltSettings, RomeSettings, WilkeSettings } from './settings.ts';

export const tinyRome: RomeSettings = { layer: 1, ...tinySearch, second_moment: true };
export const tinyRebuilt: RebuiltSettings = { ...tinyRome, solve_for: 'offset' };
export const tinyWilke: WilkeSettings = { layers: [0, 1, 2], choose_by: 'mismatch', ...tinySearch };
