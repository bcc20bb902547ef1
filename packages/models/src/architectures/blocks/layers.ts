// The layers of every block beside attention: linear maps, norms, activation functions and the MLP, as graphs.

import { add, gelu, layerNorm, linear, mul, relu, rmsNorm, silu, split, type Tensor } from '@errata/graph';
import type { Activation, MatrixRef, MlpRefs, NormRef } from './refs.ts';

/** Looks a weight up by its checkpoint name: a constant or an input, the caller's choice. */
export type WeightOf = (name: string) => Tensor;

/** The activation functions as graphs. */
export const activate: Readonly<Record<Activation, (x: Tensor) => Tensor>> = {
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

/** What the activation function takes and, where it is a gate, what it is multiplied with. */
function mlpInputs(weight: WeightOf, refs: MlpRefs, x: Tensor): { readonly into: Tensor; readonly up?: Tensor } {
  if (refs.kind === 'plain') return { into: applyMatrix(weight, refs.input, x) };
  if (refs.kind === 'gated') return { into: applyMatrix(weight, refs.gate, x), up: applyMatrix(weight, refs.up, x) };
  const half = refs.gateUp.outSize / 2;
  const [into, up] = split(applyMatrix(weight, refs.gateUp, x), 1, [half, half]);
  return { into: into!, up: up! };
}

/**
 * An MLP over `[rows, width]`.
 * @param tap sees what the activation function takes, what it is multiplied with, the input of W_out, and its output, and returns what to go on with
 */
export function mlp(
  weight: WeightOf,
  refs: MlpRefs,
  x: Tensor,
  tap: (site: 'mlp_pre' | 'mlp_up' | 'mlp_key' | 'mlp_out', activation: Tensor) => Tensor,
): Tensor {
  const { into, up } = mlpInputs(weight, refs, x);
  const active = activate[refs.activation](tap('mlp_pre', into));
  const key = tap('mlp_key', up ? mul(active, tap('mlp_up', up)) : active);
  return tap('mlp_out', applyMatrix(weight, refs.output, key));
}
