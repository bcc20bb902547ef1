// A change of a linear map that was found as the product of two factors, as a delta.
import { matrix, multiply, transposeMatrix } from '@errata/graph';
import type { Delta, MatrixRef } from '@errata/models';
import { requireChange } from '../outcomes.ts';

/**
 * As two factors, or as the matrix that they make where that is the smaller.
 * @param left `[inSize, rank]` @param right `[rank, outSize]`
 * @param custom_ids of the edits that it is to carry
 * @throws ErrataError `zero_delta`, `non_finite_delta`
 */
export async function productDelta(
  { weight: tensor, orientation, inSize, outSize }: MatrixRef,
  layer: number,
  custom_ids: readonly string[],
  left: Float64Array,
  right: Float64Array,
): Promise<Extract<Delta, { tensor: string }>> {
  const rank = left.length / inSize;
  if (rank * (inSize + outSize) < inSize * outSize) {
    const parts = [Float32Array.from(left), Float32Array.from(right)] as const;
    requireChange(parts, layer, custom_ids);
    return { kind: 'low_rank', tensor, rank, left: parts[0], right: parts[1] };
  }
  const product = await multiply(matrix(inSize, rank, left), matrix(rank, outSize, right));
  const data = Float32Array.from((orientation === 'in_out' ? product : transposeMatrix(product)).data);
  requireChange([data], layer, custom_ids);
  return { kind: 'dense', tensor, data };
}
