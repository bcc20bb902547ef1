// Which layers an editor needs statistics of.
import { resolveConfig } from '@errata/contracts';
import { expect, test } from 'vitest';
import { secondMomentLayers } from './artefacts.ts';

const shape = { model_type: 'gpt2', layers: 12, width: 768 };
const layersOf = (editor: Parameters<typeof resolveConfig>[0], overrides = {}) =>
  secondMomentLayers(editor, resolveConfig(editor, shape, undefined, overrides));

test('only editors that use second moments need them, at the layers they edit', () => {
  expect(layersOf('r-rome')).toEqual([4]);
  expect(layersOf('r-rome', { layer: 7 })).toEqual([7]);
  expect(layersOf('memit')).toEqual([0, 1, 2, 3, 4]);
  expect(layersOf('ft-m')).toEqual([]);
  expect(layersOf('grace')).toEqual([]);
});

test('an editor told to do without needs none', () => {
  expect(layersOf('rome', { second_moment: false })).toEqual([]);
});
