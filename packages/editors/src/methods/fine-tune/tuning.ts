// Gradient descent on matrices of a model as they are, the rest of it frozen.
import { input } from '@errata/graph';
import { type MatrixRef, matrixShape, type View } from '@errata/models';
import type { Objective } from '../../training/targets.ts';
import type { Training } from '../../training/train-on-targets.ts';

/** A matrix that is trained, and the layer it is of. */
export interface TunedMatrix {
  readonly layer: number;
  readonly matrix: MatrixRef;
}

/** Keeps each weight within `bound` of where it began. */
function clampTo(weight: Float32Array, start: Float32Array, bound: number): void {
  for (let i = 0; i < weight.length; i++) {
    weight[i] = Math.min(start[i]! + bound, Math.max(start[i]! - bound, weight[i]!));
  }
}

/**
 * @param tuned in order of their layers
 * @param bound largest change of any weight; null for none
 */
export function tuningOf(
  view: View,
  tuned: readonly TunedMatrix[],
  { objective, norm_constraint: bound }: { readonly objective: Objective; readonly norm_constraint: number | null },
): Training {
  const parts = tuned.map(({ layer, matrix }) => {
    const start = view.weight(matrix.weight);
    const parameter = { name: `tuned ${matrix.weight}`, shape: matrixShape(matrix), values: start.slice() };
    return { layer, tensor: matrix.weight, start, parameter };
  });
  return {
    key: `fine-tune ${parts.map(({ tensor }) => tensor).join(' ')}`,
    from: parts[0]!.layer,
    objective,
    parameters: parts.map(({ parameter }) => parameter),
    apply: (weight) => {
      const trained = parts.map(({ parameter: { name, shape } }) => input(name, 'float32', shape));
      const own = new Map(parts.map(({ tensor }, i) => [tensor, trained[i]!]));
      return { weight: (name) => own.get(name) ?? weight(name), trained };
    },
    constrain: () => {
      if (bound !== null) for (const { parameter, start } of parts) clampTo(parameter.values, start, bound);
    },
    deltas: () =>
      parts.map(({ layer, tensor, start, parameter }) => {
        const data = parameter.values.map((w, i) => w - start[i]!);
        return { layer, delta: { kind: 'dense', tensor, data }, parts: [data] };
      }),
  };
}
