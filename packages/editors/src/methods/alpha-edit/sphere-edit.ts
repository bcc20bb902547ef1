// SPHERE: AlphaEdit's changes, weakened along the directions in which most of a matrix lies (Liu et al. 2025).
import { matrix } from '@errata/graph';
import { type View, valueMatrix } from '@errata/models';
import type { Editor } from '../../editor.ts';
import { mainDirections, weakened } from '../../solve/hypersphere.ts';
import { spreadEditor } from '../memit/spread-editor.ts';
import { projectedMethod } from './edit.ts';
import type { SphereSettings } from './sphere-settings.ts';

/** W_out with an output a row, `[d, d_ff]`. */
function outputRows(view: View, layer: number) {
  const { weight, orientation, inSize, outSize } = valueMatrix(view.spec, layer);
  const data = view.weight(weight);
  const rows = matrix(outSize, inSize);
  for (let o = 0; o < outSize; o++)
    for (let i = 0; i < inSize; i++)
      rows.data[o * inSize + i] = orientation === 'in_out' ? data[i * outSize + o]! : data[o * inSize + i]!;
  return rows;
}

/** SPHERE: Delta (I - strength U U^T), U the main directions of the parent's W_out. */
export const edit: Editor<SphereSettings> = spreadEditor<SphereSettings>({
  ...projectedMethod,
  async guard(parent, layer, { keySide, valueSide }, { cumulative_ratio, suppression_strength }) {
    const directions = await mainDirections(outputRows(parent, layer), cumulative_ratio);
    return { keySide: await weakened(keySide, directions, suppression_strength), valueSide };
  },
});
