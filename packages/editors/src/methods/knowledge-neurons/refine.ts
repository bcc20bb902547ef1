// Which neurons a fact comes from: those that stand out in most of its contexts.
import type { Attributions } from './attribution.ts';

/** A neuron of a layer's MLP. */
export interface Neuron {
  readonly layer: number;
  readonly index: number;
  /** Mean of its attributions over the contexts. */
  readonly attribution: number;
}

const rounds = 6;
const [fewest, most] = [2, 5];
/** Contexts that a neuron must be seen in at least, where there are as many. */
const least = 3;

/**
 * The neurons whose attribution reaches a share of the greatest in most of the contexts (Dai et al. 2022, section 3.2). How many
 * contexts they must have in common is moved until two to five are left, as the reference code does.
 * @param contexts the attributions in each
 */
export function refine(
  contexts: readonly Attributions[],
  { threshold, agreement }: { readonly threshold: number; readonly agreement: number },
): readonly Neuron[] {
  const size = contexts[0]![0]!.length;
  const counts = new Map<number, number>();
  for (const layers of contexts) {
    const greatest = Math.max(...layers.map((one) => one.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)));
    for (const [layer, one] of layers.entries())
      for (const [index, value] of one.entries())
        if (value >= threshold * greatest) {
          const at = layer * size + index;
          counts.set(at, (counts.get(at) ?? 0) + 1);
        }
  }
  let hundredths = Math.round(agreement * 100);
  let kept: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const needed = Math.max(hundredths * contexts.length, 100 * Math.min(least, contexts.length));
    kept = [...counts].flatMap(([at, count]) => (100 * count >= needed ? [at] : []));
    if (kept.length >= fewest && kept.length <= most) break;
    hundredths += kept.length < fewest ? -5 : 5;
  }
  return kept
    .map((at): Neuron => {
      const [layer, index] = [Math.floor(at / size), at % size];
      const sum = contexts.reduce((total, layers) => total + layers[layer]![index]!, 0);
      return { layer, index, attribution: sum / contexts.length };
    })
    .toSorted((a, b) => b.attribution - a.attribution);
}
