// Low-rank deltas: a product of two thin matrices added to a linear map.

import { findMatrix } from '../architectures/spec.ts';
import { type DeltaKind, malformed, misfit, parseMetadata, shapeOf, tensorMetadata } from './kind.ts';

/** Adds left·right to a linear map: y = x·(W + left·right). Independent of how the checkpoint stores W. */
export interface LowRankDelta {
  readonly kind: 'low_rank';
  /** Checkpoint name of the weight. */
  readonly tensor: string;
  readonly rank: number;
  /** `[in, rank]` */
  readonly left: Float32Array;
  /** `[rank, out]` */
  readonly right: Float32Array;
}

export const lowRank: DeltaKind<LowRankDelta> = {
  encode: ({ tensor, rank, left, right }) => ({
    metadata: { tensor },
    tensors: {
      left: { shape: [left.length / rank, rank], data: left },
      right: { shape: [rank, right.length / rank], data: right },
    },
  }),
  decode: (file, metadata) => {
    const { tensor } = parseMetadata(tensorMetadata, metadata, file.where);
    const [left, right] = [shapeOf(file, 'left', 2), shapeOf(file, 'right', 2)];
    if (left[1] !== right[0] || left[1] === 0) malformed(file.where, 'the factors do not multiply');
    return { kind: 'low_rank', tensor, rank: left[1]!, left: file.read('left'), right: file.read('right') };
  },
  checkSizes: ({ tensor, rank, left, right }) => {
    if (!Number.isInteger(rank) || rank < 1 || left.length % rank !== 0 || right.length % rank !== 0)
      malformed(tensor, `factors of ${left.length} and ${right.length} elements do not have rank ${rank}`);
  },
  checkFit: (spec, { tensor, rank, left, right }) => {
    if (!spec.parameters.has(tensor)) misfit(tensor, 'the model has no parameter of that name');
    const matrix = findMatrix(spec, tensor) ?? misfit(tensor, 'the parameter is not a linear map');
    const [inSize, outSize] = [left.length / rank, right.length / rank];
    if (inSize !== matrix.inSize || outSize !== matrix.outSize)
      misfit(tensor, `it maps ${inSize} to ${outSize}, the weight ${matrix.inSize} to ${matrix.outSize}`);
  },
  effect: (delta) => ({
    on: 'weight',
    tensor: delta.tensor,
    addend: (matrix, rows) => {
      const { rank, left, right } = delta;
      if (matrix?.orientation === 'in_out') return { rank, a: left, b: right };
      return { rank, a: transposed(right, rank, rows), b: transposed(left, left.length / rank, rank) };
    },
    squaredNorm: () => productSquared(delta),
  }),
};

/** `[rows, columns]` to `[columns, rows]`. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j]!;
  return out;
}

/** The product is never formed: ||L R||_F^2 = sum of (L'L) * (R R'), element by element. */
function productSquared({ left, right, rank }: LowRankDelta): number {
  const [rows, columns] = [left.length / rank, right.length / rank];
  let sum = 0;
  for (let a = 0; a < rank; a++) {
    for (let b = 0; b < rank; b++) {
      let [inner, outer] = [0, 0];
      for (let i = 0; i < rows; i++) inner += left[i * rank + a]! * left[i * rank + b]!;
      for (let j = 0; j < columns; j++) outer += right[a * columns + j]! * right[b * columns + j]!;
      sum += inner * outer;
    }
  }
  return sum;
}
