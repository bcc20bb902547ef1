// How strongly a solve holds on to what is there: by its weight, or by the share of what is asked of one key that it is to deliver.
import { matrix, multiply } from '@errata/graph';
import { rowsToMatrix } from './least-squares.ts';
import type { WeightOrShare } from './share-setting.ts';

/**
 * The weight w with which a key alone is delivered a share of its residual: h / (w + h), h being its leverage. Taken at the median of
 * the keys, since a key at the head of a text may be many times longer than others.
 * @param leveragesOf called only where a share is asked for; of each key, in the units of the weight
 */
export async function weightOf(asked: WeightOrShare, leveragesOf: () => Promise<readonly number[]>): Promise<number> {
  if (typeof asked === 'number') return asked;
  return (median(await leveragesOf()) * (1 - asked.share)) / asked.share;
}

/** k^T A k of each key. @param form symmetric A, row-major */
export async function leverages(keys: readonly Float64Array[], form: Float64Array): Promise<readonly number[]> {
  const rows = rowsToMatrix(keys);
  const size = rows.columns;
  const { data } = await multiply(rows, matrix(size, size, form));
  return keys.map((key, i) => key.reduce((sum, x, j) => sum + x * data[i * size + j]!, 0));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
