// ROME: the mean key to solve with, the bare prompt's to scale by (Meng et al. 2022).
import type { Editor } from '../../editor.ts';
import { meanOf } from '../../solve/vectors.ts';
import { type KeyChoice, oneLayerEditor } from './rank-one-editor.ts';
import type { RomeSettings } from './settings.ts';

/**
 * As first published: u = C^-1 k with k the mean over contexts, but scaled by the bare prompt's key k0, so that
 * W' k0 = W k0 + offset.
 */
export const romeKeys: KeyChoice = ({ keys }, offset) => ({
  solveKey: meanOf(keys),
  scaleKey: keys[0]!,
  change: offset,
});

/** ROME as first published. Its denominator k0 . u can pass through zero: watch `denominator` and `density`. */
export const edit: Editor<RomeSettings> = oneLayerEditor(() => romeKeys);
