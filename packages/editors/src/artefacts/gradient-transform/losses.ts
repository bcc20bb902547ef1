// The outer loss of a gradient transform as one graph, with every edit made from its own gradients.
import { gradients, input, type Tensor } from '@errata/graph';
import type { DecoderSpec, WeightSource } from '@errata/models';
import { type OuterWeights, outerLoss, updatingTap } from '../../hypernetworks/outer-loss.ts';
import { type TransformSpec, transformed } from '../../hypernetworks/transform.ts';
import { factorInputs, gradientName, transformInputs } from '../../hypernetworks/update.ts';

/** Loss, terms, and the gradients of all parameters. Beside those of the loss its inputs are the factors, and `update_of_token` of each map. */
export function outerGraph(
  spec: TransformSpec,
  decoder: DecoderSpec,
  weight: WeightSource,
  weights: OuterWeights,
): Readonly<Record<string, Tensor>> {
  const own = transformInputs(spec);
  const tap = updatingTap(spec.maps, (index) => {
    const { count, x, d } = factorInputs(spec, index);
    const updates = [input(`update_of_token ${index}`, 'int32', [count])];
    return { ...transformed(spec, own, spec.maps[index]!, x, d), updates };
  });
  const found = outerLoss(decoder, weight, tap, weights);
  const names = [...spec.parameters.keys()];
  const slopes = gradients(found.loss, names.map(own));
  return { ...found, ...Object.fromEntries(names.map((name, index) => [gradientName(name), slopes[index]!])) };
}
