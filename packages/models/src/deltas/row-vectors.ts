// Vectors of rows in one tensor, one after another, each as long as its row says.

import { joinedArrays } from '@errata/graph';
import { type FloatTensor, malformed } from './kind.ts';

export function joinedVectors(vectors: readonly Float32Array[]): FloatTensor {
  const data = joinedArrays(vectors);
  return { shape: [data.length], data };
}

/** Parts of what was joined; they share its memory. @throws ModelError delta_malformed where the lengths are not those of the whole */
export function partedVectors(where: string, lengths: readonly number[], whole: Float32Array): readonly Float32Array[] {
  let at = 0;
  const parts = lengths.map((length) => {
    at += length;
    return whole.subarray(at - length, at);
  });
  if (at !== whole.length) malformed(where, 'its rows are not as long as its tensors');
  return parts;
}
