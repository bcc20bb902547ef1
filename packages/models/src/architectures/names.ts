// Where a checkpoint keeps what all families have: under which prefix, and the embedding and head, tied or not.

import type { MatrixRef } from './blocks/refs.ts';

const usualHead = 'lm_head.weight';

/** The prefix under which the checkpoint keeps the decoder: published files come with and without it, or with another. */
export function prefixOf(
  marker: string,
  usual: string,
  names: ReadonlySet<string> | undefined,
  others: readonly string[] = [''],
): string {
  return [usual, ...others].find((prefix) => names?.has(`${prefix}${marker}`)) ?? usual;
}

/** A tied matrix is stored once, as the embedding or, in some files, as the head. */
export function embeddingOf(
  usual: string,
  tied: boolean,
  names: ReadonlySet<string> | undefined,
  head = usualHead,
): string {
  return tied && names && !names.has(usual) && names.has(head) ? head : usual;
}

export function headOf(
  tied: boolean,
  tokenEmbedding: string,
  inSize: number,
  outSize: number,
  head = usualHead,
): MatrixRef {
  return { weight: tied ? tokenEmbedding : head, bias: null, orientation: 'out_in', inSize, outSize };
}
