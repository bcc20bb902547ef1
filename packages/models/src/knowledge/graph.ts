// The knowledge encoder as a graph: pooled texts, representations, the sentinel, continuous prompts.

import {
  add,
  concat,
  type Dim,
  div,
  exp,
  fill,
  linear,
  mul,
  neg,
  reduceMax,
  reduceSum,
  relu,
  reshape,
  slice,
  type Tensor,
  tanh,
} from '@errata/graph';
import type { WeightOf } from '../architectures/blocks/layers.ts';
import type { StackStart } from '../architectures/blocks/stack.ts';
import { buildEncoder } from '../architectures/encoder.ts';
import { encoderParameter, type KnowledgeSpec, sentinelTokensName, type TextSpec } from './spec.ts';

/** Texts as the graph takes them: see {@link buildEncoder}. */
export interface TextInputs {
  readonly batch: Dim;
  readonly time: Dim;
  readonly start: StackStart;
  readonly positions: Tensor;
  readonly tokenTypes?: Tensor;
  /** `[B, 1, 1, T]`, see {@link paddingBias}. */
  readonly bias: Tensor;
}

/** Wx + b. */
export const map = (weight: WeightOf, name: string, x: Tensor): Tensor =>
  linear(x, weight(`${name}.weight`), 'out_in', weight(`${name}.bias`));

/** x + ReLU(Wx + b). */
const residual = (weight: WeightOf, name: string, x: Tensor): Tensor => add(x, relu(map(weight, name, x)));

/**
 * Texts as vectors, `[B, 4·width]`: of the last hidden states the pooler's output on the first token, the mean, the greatest and the
 * least (f_rm with its poolings). Padding has no part in any of them.
 */
export function pooledTexts(spec: Pick<TextSpec, 'encoder'>, weight: WeightOf, texts: TextInputs): Tensor {
  const { batch, time, bias } = texts;
  const { width } = spec.encoder;
  const rows = buildEncoder(spec.encoder, { ...texts, weight: (name) => weight(encoderParameter(name)) });
  const hidden = reshape(rows, [batch, time, width]);
  const hiding = reshape(bias, [batch, time, 1]);
  // The bias is 0 for a token and -1e9 for padding, so that its exponential counts tokens.
  const counts = exp(hiding);
  const first = reshape(slice(hidden, 1, 0, 1), [batch, width]);
  const pooler = tanh(map(weight, 'pooler', first));
  const mean = div(reduceSum(mul(hidden, counts), [1]), reduceSum(counts, [1]));
  const greatest = reduceMax(add(hidden, hiding), [1]);
  const least = neg(reduceMax(add(neg(hidden), hiding), [1]));
  return concat([pooler, mean, greatest, least], 1);
}

/** Representations `[B, r]` of pooled texts, by the head for statements or the one for queries (MLP_K and MLP_Q). */
export const represented = (weight: WeightOf, head: 'knowledge' | 'query', pooled: Tensor): Tensor =>
  residual(weight, `${head}.residual`, map(weight, `${head}.in`, pooled));

/** Continuous prompts `[B, promptTokens·promptWidth]` of the representations of statements (MLP_P). */
export const promptsOf = (weight: WeightOf, representations: Tensor): Tensor =>
  map(weight, 'prompt.out', residual(weight, 'prompt.residual', representations));

/** The sentinel as a text, pooled, `[1, 4·width]`: its pseudo-tokens go into the encoder's first block as they are, without positions or the embeddings' norm. */
export function pooledSentinel(spec: KnowledgeSpec, weight: WeightOf): Tensor {
  const count = spec.sentinelTokens;
  return pooledTexts(spec, weight, {
    batch: 1,
    time: count,
    start: { kind: 'hidden', hidden: weight(sentinelTokensName) },
    positions: fill(0, [count], 'int32'),
    bias: fill(0, [1, 1, 1, count], 'float32'),
  });
}

/** The sentinel's representation, `[1, r]`, by the head for statements. */
export const sentinelOf = (spec: KnowledgeSpec, weight: WeightOf): Tensor =>
  represented(weight, 'knowledge', pooledSentinel(spec, weight));
