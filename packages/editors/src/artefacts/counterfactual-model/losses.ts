// The losses of SERAC as one graph: two scope classifiers by binary cross-entropy, and the counterfactual model by that of the new answers.
import {
  add,
  constant,
  div,
  exp,
  gatherElements,
  gemm,
  gradients,
  input,
  log,
  mul,
  mulDims,
  neg,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  slice,
  square,
  sub,
  type Tensor,
} from '@errata/graph';
import {
  buildDecoder,
  type CounterfactualSpec,
  decoderParameter,
  pairLogits,
  scaleName,
  scopeVectors,
  type WeightSource,
} from '@errata/models';
import { embeddingsName, gradientName, textInputs, trainedName } from '../../training/text-feeds.ts';

/** The terms of the loss. */
export type LossTerm = 'vectors' | 'pairs' | 'counterfactual';

/** Added to what is out of scope, so that the gradient of its logarithm stays bounded where a query lies on a correction. */
const leastOutside = 1e-2;

/** log(1 + eˣ). */
const softplus = (x: Tensor): Tensor => add(relu(x), log(add(exp(neg(add(relu(x), relu(neg(x))))), 1)));

/**
 * The classifier of vectors. The query of each edit is to be near its own correction, and far from the nearest that it is not of; so is a
 * query about something else from the nearest of all. Both halves weigh the same.
 * @param corrections `[B, r]` @param queries `[2B, r]`, those in scope first
 */
function vectorLoss(corrections: Tensor, queries: Tensor, scale: Tensor, count: number): Tensor {
  const squares = (x: Tensor) => reduceSum(square(x), [1]);
  const distances = relu(
    sub(
      add(reshape(squares(queries), [2 * count, 1]), reshape(squares(corrections), [1, count])),
      mul(gemm(queries, corrections, { transB: true }), 2),
    ),
  );
  const scaled = mul(distances, exp(scale));
  const diagonal = constant(
    'int32',
    [count, 1],
    Int32Array.from({ length: count }, (_, i) => i),
  );
  const inside = reduceMean(gatherElements(slice(scaled, 0, 0, count), diagonal, 1));
  const nearest = reduceMax(sub(input('apart', 'float32', [2 * count, count]), scaled), [1]);
  const outside = neg(reduceMean(log(sub(1 + leastOutside, exp(nearest)))));
  return mul(add(inside, outside), 0.5);
}

/** The classifier of pairs. @param logits `[3B, 1]`: each correction with its query, with one about something else, with that of another edit */
function pairLoss(logits: Tensor, count: number): Tensor {
  const weights = input('pair_weights', 'float32', [2 * count, 1]);
  const inside = reduceMean(softplus(neg(slice(logits, 0, 0, count))));
  const outside = div(reduceSum(mul(softplus(slice(logits, 0, count, 3 * count)), weights)), reduceSum(weights));
  return mul(add(inside, outside), 0.5);
}

/** The counterfactual model, given the correction that a query is about. */
function answerLoss({ decoder }: CounterfactualSpec, weight: WeightSource, count: number): Tensor {
  const tokens = mulDims(count, 'T');
  const { crossEntropy } = buildDecoder(decoder, {
    batch: count,
    time: 'T',
    start: { kind: 'ids', ids: input('ids', 'int32', [tokens]) },
    positions: input('positions', 'int32', [tokens]),
    bias: input('bias', 'float32', [count, 1, 'T', 'T']),
    rows: input('rows', 'int32', ['R']),
    weight,
  });
  return crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R'])).loss;
}

/**
 * The whole graph for B edits: each term, the loss, and its gradients with respect to every parameter but the table of token embeddings, where
 * that is trained: the rows that were looked up have theirs under the names of their inputs.
 *
 * Its inputs are 3B texts (corrections, their queries, queries about something else), 3B pairs of texts, `apart` `[2B, B]` (0 where a query is
 * not of a correction, -1e9 where it is or may be), `pair_weights` `[2B, 1]`, and what the counterfactual model reads.
 * @param embeddings the language model's, frozen
 */
export function seracGraph(
  spec: CounterfactualSpec,
  embeddings: Tensor,
  count: number,
  counterfactualWeight: number,
  table: string,
): Readonly<Record<string, Tensor>> {
  const trained = new Map<string, Tensor>();
  for (const [name, dims] of spec.parameters)
    if (name !== table) trained.set(name, input(trainedName(name), 'float32', dims));
  const own = (name: string): Tensor => trained.get(name)!;
  const texts = textInputs(spec, 3 * count);
  const pairs = textInputs(spec, 3 * count, 'pair');
  const part = (head: 'edit' | 'query', from: number, to: number) =>
    slice(scopeVectors(spec, own, head, texts), 0, from * count, to * count);
  const vectors = vectorLoss(part('edit', 0, 1), part('query', 1, 3), own(scaleName), count);
  const paired = pairLoss(pairLogits(spec, own, pairs), count);
  const weight = (name: string) => (name === spec.decoder.tokenEmbedding ? embeddings : own(decoderParameter(name)));
  const counterfactual = answerLoss(spec, weight, count);
  const loss = add(add(vectors, paired), mul(counterfactual, counterfactualWeight));
  const looked = [['text', texts.embedded] as const, ['pair', pairs.embedded] as const];
  const wanted = [
    ...trained,
    ...(spec.ownTokens ? [] : looked.map(([name, embedded]) => [embeddingsName(name), embedded] as const)),
  ];
  const slopes = gradients(
    loss,
    wanted.map(([, tensor]) => tensor),
  );
  const named = wanted.map(([name], index) => [gradientName(name), slopes[index]!] as const);
  return { vectors, pairs: paired, counterfactual, loss, ...Object.fromEntries(named) };
}
