// The outer loss of a gradient transform as one graph, with every edit made from its own gradients.
import { cast, equal, gemm, gradients, input, mul, reshape, type Tensor } from '@errata/graph';
import type { DecoderSpec, Tap, WeightSource } from '@errata/models';
import { gainingTap, type OuterWeights, outerLoss } from '../../hypernetworks/outer-loss.ts';
import { type TransformSpec, transformed } from '../../hypernetworks/transform.ts';
import { factorInputs, gradientName, transformInputs } from '../../hypernetworks/update.ts';
import { sequenceInputs } from '../../search/tracer.ts';

/**
 * Makes every update act on its own sequences: x W + (x X~^T * M) D~, with M 1 where a token of a sequence and one of the gradient are of the same
 * update. It is the change of W, without a W for each of them.
 */
function updatingTap(spec: TransformSpec, own: (name: string) => Tensor): Tap {
  const tokens = sequenceInputs().positions.dims[0]!;
  const updateOfRow = reshape(input('update_of_row', 'int32', [tokens]), [tokens, 1]);
  return gainingTap(spec.maps, (index, activation) => {
    const given = factorInputs(spec, index);
    const { x, d } = transformed(spec, own, spec.maps[index]!, given.x, given.d);
    const updateOfToken = reshape(input(`update_of_token ${index}`, 'int32', [given.count]), [1, given.count]);
    const mask = cast(equal(updateOfRow, updateOfToken), 'float32');
    return gemm(mul(gemm(activation, x, { transB: true }), mask), d);
  });
}

/** Loss, terms, and the gradients of all parameters. Beside those of the loss its inputs are the factors. */
export function outerGraph(
  spec: TransformSpec,
  decoder: DecoderSpec,
  weight: WeightSource,
  weights: OuterWeights,
): Readonly<Record<string, Tensor>> {
  const own = transformInputs(spec);
  const found = outerLoss(decoder, weight, updatingTap(spec, own), weights);
  const names = [...spec.parameters.keys()];
  const slopes = gradients(found.loss, names.map(own));
  return { ...found, ...Object.fromEntries(names.map((name, index) => [gradientName(name), slopes[index]!])) };
}
