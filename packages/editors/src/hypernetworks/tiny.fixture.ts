// A transform that leaves gradients as they are, for tests: nothing learned, deviations of one, the same rate for every matrix.
import type { Model } from '@errata/models';
import { encodeTransform } from './file.ts';
import type { TransformMethod } from './methods.ts';
import { initialTransform, transformSpec } from './transform.ts';

/** Counted so far. */
const counted = 11;

export function identityTransform(
  method: TransformMethod,
  model: Model,
  layers: readonly number[],
  initial_rate: number,
): Uint8Array {
  const rank = 3;
  const spec = transformSpec(method, model.spec, layers, rank);
  const weights = initialTransform(spec, { seed: 7, initial_rate });
  for (const name of spec.statistics.keys()) {
    if (name.endsWith('.count')) weights.get(name)!.fill(counted);
    if (name.endsWith('.squares')) weights.get(name)!.fill(counted - 1);
  }
  return encodeTransform({ model: model.digest!, method, layers: [...layers], rank, details: {}, weights });
}
