// Settings of MEMIT that let a random model be moved, for tests.
import { tinySearch } from '../tiny-search.fixture.ts';
import type { MemitSettings } from './settings.ts';

export const tinyMemit: MemitSettings = {
  layers: [0, 1, 2],
  ...tinySearch,
  second_moment_weight: 5,
  merge_same_subject: true,
};
