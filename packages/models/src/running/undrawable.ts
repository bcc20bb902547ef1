// Ids that a model has logits for and its tokenizer no token: rows that only round the vocabulary up. Nothing ever writes them.

import { add, constant, type Tensor } from '@errata/graph';
import type { Tokenizer } from '../text/tokenizer.ts';
import { hidden } from './masks.ts';

/** Those ids, in order; none for a model without a tokenizer. @param vocab logits of the model */
export function idsWithoutToken(tokenizer: Tokenizer | undefined, vocab: number): readonly number[] {
  if (tokenizer === undefined) return [];
  return Array.from({ length: vocab }, (_, id) => id).filter((id) => tokenizer.idToToken(id) === undefined);
}

/** Logits `[R, vocab]` of which those of the given ids are never the greatest. */
export function withoutIds(logits: Tensor, ids: readonly number[], vocab: number): Tensor {
  if (ids.length === 0) return logits;
  const bias = new Float32Array(vocab);
  for (const id of ids) bias[id] = hidden;
  return add(logits, constant('float32', [vocab], bias, 'undrawable'));
}
