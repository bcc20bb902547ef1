// Settings of AlphaEdit that let a random model be moved, for tests.
import { tinySearch } from '../tiny-search.fixture.ts';
import type { AlphaEditSettings } from './settings.ts';

export const tinyAlphaEdit: AlphaEditSettings = {
  layers: [0, 1, 2],
  distribution: 'spread',
  ...tinySearch,
  null_threshold: 0.3,
  ridge: 0.01,
  merge_same_subject: true,
};
