// How far a candidate's weights are from its parent's, and how large a single delta is.
import { addedToWeight, type Delta, type View } from '@errata/models';

/**
 * The largest ||W' - W||_F / ||W||_F over the parameters in which two versions differ; `null` when they differ in none, as
 * after an edit that only adds to a codebook. Computed from the weights as they are served, so that it is right for any
 * kind and number of deltas, added or taken away.
 */
export function relativeChange(parent: View, candidate: View): number | null {
  let largest: number | null = null;
  for (const name of parent.spec.parameters.keys()) {
    const [before, after] = [parent.weight(name), candidate.weight(name)];
    if (before === after) continue;
    let [change, size] = [0, 0];
    for (let i = 0; i < before.length; i++) {
      change += (after[i]! - before[i]!) ** 2;
      size += before[i]! ** 2;
    }
    if (change === 0) continue;
    largest = Math.max(largest ?? 0, size === 0 ? Number.MAX_VALUE : Math.sqrt(change / size));
  }
  return largest;
}

/** ||delta||_F / ||W||_F for one delta and the matrix it is added to; `null` for kinds that add to no matrix. */
export function relativeNorm(view: View, delta: Delta): number | null {
  const added = addedToWeight(delta);
  if (added === null) return null;
  let size = 0;
  for (const value of view.weight(added.tensor)) size += value * value;
  return size === 0 ? Number.MAX_VALUE : Math.sqrt(Math.max(added.squaredNorm, 0) / size);
}
