// Dense deltas: an array added to any parameter.

import { type DeltaKind, misfit, parseMetadata, shapeOf, tensorMetadata } from './kind.ts';

/** Adds an array to any parameter. */
export interface DenseDelta {
  readonly kind: 'dense';
  readonly tensor: string;
  /** Shaped and laid out as the checkpoint stores the parameter. */
  readonly data: Float32Array;
}

export const dense: DeltaKind<DenseDelta> = {
  encode: ({ tensor, data }) => ({ metadata: { tensor }, tensors: { data: { shape: [data.length], data } } }),
  decode: (file, metadata) => {
    const { tensor } = parseMetadata(tensorMetadata, metadata, file.where);
    shapeOf(file, 'data', 1);
    return { kind: 'dense', tensor, data: file.read('data') };
  },
  checkSizes: () => {},
  checkFit: (spec, { tensor, data }) => {
    const shape = spec.parameters.get(tensor) ?? misfit(tensor, 'the model has no parameter of that name');
    const count = shape.reduce((a, b) => a * b, 1);
    if (data.length !== count) misfit(tensor, `it has ${data.length} elements, not ${count}`);
  },
  effect: ({ tensor, data }) => ({
    on: 'weight',
    tensor,
    addend: () => data,
    squaredNorm: () => {
      let sum = 0;
      for (const value of data) sum += value * value;
      return sum;
    },
  }),
};
