// How far a candidate's weights are from its parent's, and how large a single delta is.
import type { Delta, View } from '@errata/models';

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

/**
 * ||delta||_F / ||W||_F for one delta and the matrix it is added to; `null` for kinds that add to no matrix. The product of
 * low-rank factors is never formed: ||L R||_F^2 = sum of (L'L) * (R R'), element by element.
 */
export function relativeNorm(view: View, delta: Delta): number | null {
  if (delta.kind !== 'low_rank' && delta.kind !== 'dense') return null;
  const size = sumOfSquares(view.weight(delta.tensor));
  const change = delta.kind === 'dense' ? sumOfSquares(delta.data) : productSquared(delta);
  return size === 0 ? Number.MAX_VALUE : Math.sqrt(Math.max(change, 0) / size);
}

function sumOfSquares(data: Float32Array): number {
  let sum = 0;
  for (const value of data) sum += value * value;
  return sum;
}

function productSquared({ left, right, rank }: Extract<Delta, { kind: 'low_rank' }>): number {
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
