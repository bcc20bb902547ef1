// Settings of AlphaEdit and SPHERE that let a random model be moved, for tests.
import { tinySearch } from '../tiny-search.fixture.ts';
import type { AlphaEditSettings } from './settings.ts';
import type { SphereSettings } from './sphere-settings.ts';

export const tinyAlphaEdit: AlphaEditSettings = {
  layers: [0, 1, 2],
  distribution: 'spread',
  ...tinySearch,
  null_threshold: 0.3,
  ridge: 0.01,
  merge_same_subject: true,
};

export const tinySphere: SphereSettings = { ...tinyAlphaEdit, cumulative_ratio: 0.5, suppression_strength: 0.5 };
