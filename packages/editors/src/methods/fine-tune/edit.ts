// FT-M and FT-L: gradient descent on one MLP matrix, the rest of the model frozen.
import { matrixShape, valueMatrix } from '@errata/models';
import type { Editor } from '../../editor.ts';
import { trainingEditor } from '../../training/train-on-targets.ts';
import type { FineTuneSettings } from './settings.ts';

/** Keeps each weight within `bound` of where it began. */
function clampTo(weight: Float32Array, start: Float32Array, bound: number): void {
  for (let i = 0; i < weight.length; i++) {
    weight[i] = Math.min(start[i]! + bound, Math.max(start[i]! - bound, weight[i]!));
  }
}

/** FT-M and FT-L: which of the two is in the settings (`objective`, `norm_constraint`). */
export const edit: Editor<FineTuneSettings> = trainingEditor((view, { layer, objective, norm_constraint: bound }) => {
  const matrix = valueMatrix(view.spec, layer);
  const { weight: tensor } = matrix;
  const start = view.weight(tensor);
  const values = start.slice();
  return {
    key: `fine-tune ${layer}`,
    from: layer,
    objective,
    // W_out is an input of every program of a version.
    parameters: [{ name: tensor, shape: matrixShape(matrix), values }],
    apply: (weight) => ({ weight, trained: [weight(tensor)] }),
    constrain: () => {
      if (bound !== null) clampTo(values, start, bound);
    },
    deltas: () => {
      const data = values.map((w, i) => w - start[i]!);
      return [{ layer, delta: { kind: 'dense', tensor, data }, parts: [data] }];
    },
  };
});
