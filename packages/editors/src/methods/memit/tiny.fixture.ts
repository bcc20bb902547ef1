// Settings of MEMIT and EMMET that let a random model be moved, for tests.
import { tinySearch } from '../tiny-search.fixture.ts';
import type { EmmetSettings, MemitSettings } from './settings.ts';

export const tinyMemit: MemitSettings = {
  layers: [0, 1, 2],
  distribution: 'spread',
  ...tinySearch,
  second_moment_weight: 5,
  merge_same_subject: true,
};

export const tinyEmmet: EmmetSettings = { layer: 1, ...tinySearch, alpha: 0.1, merge_same_subject: true };
