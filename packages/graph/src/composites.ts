// Composites: groups of operators with a cheaper derivative than the chain rule would give.

import { sameDims } from './dims.ts';
import { GraphError } from './errors.ts';
import type { Tensor } from './nodes.ts';
import {
  add,
  composite,
  div,
  exp,
  expand,
  fill,
  gatherElements,
  gemm,
  logSoftmax,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  rowCount,
  scatterElementsAdd,
  sqrt,
  square,
  sub,
  tanh,
} from './ops.ts';
import { scopedName } from './tensor.ts';

/** How a matrix lies in memory: `in_out` multiplies as x·W, `out_in` as x·Wᵀ. */
export type Orientation = 'in_out' | 'out_in';

/** y = x·W (+ b) for x `[rows, in]`, as one Gemm whatever the orientation of W. */
export function linear(x: Tensor, weight: Tensor, orientation: Orientation, bias?: Tensor | null): Tensor {
  return gemm(x, weight, { transB: orientation === 'out_in', ...(bias ? { bias } : {}) });
}

/** Sum over the rows of a matrix `[rows, n]` as a Gemm, which is faster than a column reduction. */
export function sumRows(x: Tensor): Tensor {
  const rows = x.dims[0]!;
  const ones = fill(1, [1, rows], x.dtype === 'float64' ? 'float64' : 'float32');
  return reshape(gemm(ones, x), [x.dims[1]!]);
}

/** Root-mean-square normalisation over the last axis: x / sqrt(mean(x²) + epsilon) · scale (Zhang & Sennrich 2019). */
export function rmsNorm(x: Tensor, scale: Tensor, epsilon: number): Tensor {
  if (!sameDims(scale.dims, x.dims.slice(-1)))
    throw new GraphError('shape_mismatch', 'scale must have the size of the last axis', {
      where: scopedName('rmsNorm'),
      shapes: [x.dims, scale.dims],
    });
  return composite('rmsNorm', [x, scale], () => {
    const inverse = div(1, sqrt(add(reduceMean(square(x), [-1], true), epsilon)));
    const normal = mul(x, inverse);
    return {
      outputs: [mul(normal, scale)],
      vjp: ([dy], [needX, needScale]) => {
        if (!dy) return [null, null];
        const scaled = mul(dy, scale);
        // d/dx of x·r(x): r·(g - x̂·mean(g·x̂)), with g the cotangent of x̂ and r the inverse root mean square.
        const dx = () => mul(inverse, sub(scaled, mul(normal, reduceMean(mul(scaled, normal), [-1], true))));
        const columns = x.dims.at(-1)!;
        return [needX ? dx() : null, needScale ? sumRows(reshape(mul(dy, normal), [rowCount(x), columns])) : null];
      },
    };
  })[0]!;
}

/** x bounded to ±cap, smoothly: cap · tanh(x / cap). */
export function softCap(x: Tensor, cap: number): Tensor {
  return mul(tanh(mul(x, 1 / cap)), cap);
}

/** What a head may have beside its weight. */
export interface HeadOptions {
  /** `[V]` */
  readonly bias?: Tensor | null | undefined;
  /** Bound of the logits, as {@link softCap} has it. */
  readonly cap?: number | undefined;
}

/**
 * Weighted cross-entropy of a linear head: Σ_r w_r · -log softmax(h_r·W)[target_r], over rows already chosen.
 * The weights go into h and its cotangent, never into the `[rows, vocabulary]` matrix.
 * @param hidden `[rows, d]`
 * @param weight head, `[d, V]` or `[V, d]` by orientation
 * @param targets `[rows]` int32
 * @param rowWeights `[rows]`; divide by their sum beforehand for a mean
 * @returns loss of rank 0 and the log-probability of each target, `[rows]`; only the loss carries a gradient
 */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  orientation: Orientation,
  targets: Tensor,
  rowWeights: Tensor,
  { bias, cap }: HeadOptions = {},
): { readonly loss: Tensor; readonly logProbs: Tensor } {
  const rows = hidden.dims[0]!;
  if (!sameDims(targets.dims, [rows]) || !sameDims(rowWeights.dims, [rows]))
    throw new GraphError('shape_mismatch', 'needs one target and one weight a row', {
      where: scopedName('linearCrossEntropy'),
      shapes: [hidden.dims, targets.dims, rowWeights.dims],
    });
  const inputs = [hidden, weight, rowWeights, ...(bias ? [bias] : [])];
  const [loss, logProbs] = composite('linearCrossEntropy', inputs, () => {
    const raw = linear(hidden, weight, orientation, bias);
    const logits = cap === undefined ? raw : softCap(raw, cap);
    const all = logSoftmax(logits);
    const at = reshape(targets, [rows, 1]);
    const picked = reshape(gatherElements(all, at, 1), [rows]);
    return {
      outputs: [neg(reduceSum(mul(picked, rowWeights))), picked],
      vjp: ([dLoss, dPicked], [needHidden, needWeight, needRows, needBias]) => {
        if (dPicked)
          throw new GraphError('no_gradient', 'the log-probabilities carry no gradient; differentiate the loss', {
            where: scopedName('linearCrossEntropy'),
          });
        if (!dLoss) return inputs.map(() => null);
        const float = hidden.dtype === 'float64' ? 'float64' : 'float32';
        const capped = scatterElementsAdd(exp(all), at, fill(-1, [rows, 1], float), 1);
        // d/dz of c·tanh(z/c): 1 - tanh².
        const error = cap === undefined ? capped : mul(capped, sub(1, square(mul(logits, 1 / cap))));
        const scale = reshape(mul(rowWeights, dLoss), [rows, 1]);
        const outIn = orientation === 'out_in';
        const dWeight = () => {
          const scaled = mul(hidden, scale);
          return outIn ? gemm(error, scaled, { transA: true }) : gemm(scaled, error, { transA: true });
        };
        return [
          needHidden ? mul(gemm(error, weight, { transB: !outIn }), scale) : null,
          needWeight ? dWeight() : null,
          needRows ? neg(mul(picked, expand(dLoss, [rows]))) : null,
          ...(bias ? [needBias ? sumRows(mul(error, scale)) : null] : []),
        ];
      },
    };
  });
  return { loss: loss!, logProbs: logProbs! };
}
