// What encoders and the decoders over them share: the input of the first block, and norms on either side of the sums.

import { add, gather, mul, type Tensor } from '@errata/graph';
import { normalise, type WeightOf } from './layers.ts';
import type { LearnedPositions, RelativePositions } from './positions.ts';
import type { NormPlacement, NormRef } from './refs.ts';

/** Where a graph begins. */
export type StackStart =
  /** Token ids, `[B*T]` int32. */
  | { readonly kind: 'ids'; readonly ids: Tensor }
  /** Token embeddings, `[B*T, width]`, as they are scaled, nothing added yet. */
  | { readonly kind: 'embedded'; readonly embedded: Tensor }
  /** What goes into the first block, `[B*T, width]`, as it is: positions, types and the embeddings' norm are left out. */
  | { readonly kind: 'hidden'; readonly hidden: Tensor };

/** The embeddings of a stack. */
export interface EmbeddingRefs {
  readonly tokenEmbedding: string;
  readonly embeddingScale?: number;
  readonly positions: LearnedPositions | RelativePositions;
  readonly embeddingNorm: NormRef | null;
  readonly norm: { readonly placement: NormPlacement; readonly epsilon: number };
}

/**
 * Input of the first block, `[B*T, width]`.
 * @param positions row of each token in a learned table, `[B*T]` int32; not looked at where positions are relative
 * @param types row of each token in a table of token types, where there is one
 */
export function embedTokens(
  spec: EmbeddingRefs,
  weight: WeightOf,
  start: StackStart,
  positions: Tensor,
  types?: { readonly table: string; readonly rows: Tensor },
): Tensor {
  if (start.kind === 'hidden') return start.hidden;
  let x = start.kind === 'embedded' ? start.embedded : gather(weight(spec.tokenEmbedding), start.ids);
  if (start.kind === 'ids' && spec.embeddingScale !== undefined) x = mul(x, spec.embeddingScale);
  if (types) x = add(x, gather(weight(types.table), types.rows));
  if (spec.positions.kind === 'learned') x = add(x, gather(weight(spec.positions.table), positions));
  return spec.embeddingNorm ? normalise(weight, spec.embeddingNorm, spec.norm.epsilon, x) : x;
}

/** The norms of a block: `before` for what goes into a layer, `after` for the sum with what comes out; one does nothing. */
export function placedNorms({ placement, epsilon }: EmbeddingRefs['norm'], weight: WeightOf) {
  const at = (where: NormPlacement) => (ref: NormRef, x: Tensor) =>
    placement === where ? normalise(weight, ref, epsilon, x) : x;
  return { before: at('before'), after: at('after') };
}
