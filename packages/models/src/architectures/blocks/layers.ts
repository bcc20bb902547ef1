// The layers of every block beside attention: linear maps, norms, activation functions and the MLP, as graphs.

import { add, gelu, layerNorm, linear, mul, relu, rmsNorm, silu, type Tensor } from '@errata/graph';
import type { Activation, MatrixRef, MlpRefs, NormRef } from './refs.ts';

/** Looks a weight up by its checkpoint name: a constant or an input, the caller's choice. */
export type WeightOf = (name: string) => Tensor;

const activate: Readonly<Record<Activation, (x: Tensor) => Tensor>> = {
  gelu_tanh: (x) => gelu(x, 'tanh'),
  gelu_erf: (x) => gelu(x, 'erf'),
  silu,
  relu,
};

/** y = x·W + b, `[rows, outSize]`. */
export function applyMatrix(weight: WeightOf, m: MatrixRef, x: Tensor): Tensor {
  return linear(x, weight(m.weight), m.orientation, m.bias === null ? null : weight(m.bias));
}

/** Layer norm, or RMS norm where there is no bias. */
export function normalise(weight: WeightOf, norm: NormRef, epsilon: number, x: Tensor): Tensor {
  const scale = norm.offset ? add(weight(norm.weight), norm.offset) : weight(norm.weight);
  return norm.bias === null ? rmsNorm(x, scale, epsilon) : layerNorm(x, scale, weight(norm.bias), epsilon);
}

/**
 * An MLP over `[rows, width]`.
 * @param tap sees what the activation function takes, the input of W_out, and its output, and returns what to go on with
 */
export function mlp(
  weight: WeightOf,
  refs: MlpRefs,
  x: Tensor,
  tap: (site: 'mlp_pre' | 'mlp_key' | 'mlp_out', activation: Tensor) => Tensor,
): Tensor {
  const pre = tap('mlp_pre', applyMatrix(weight, refs.kind === 'plain' ? refs.input : refs.gate, x));
  const active = activate[refs.activation](pre);
  const key = tap('mlp_key', refs.kind === 'plain' ? active : mul(active, applyMatrix(weight, refs.up, x)));
  return tap('mlp_out', applyMatrix(weight, refs.output, key));
}
