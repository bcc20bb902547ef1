// The losses of RECIPE as one graph: contrastive losses of representations, and edit losses through the frozen language model.
import {
  add,
  addDims,
  cast,
  concat,
  constant,
  div,
  exp,
  fill,
  gatherElements,
  gemm,
  gradients,
  input,
  less,
  logSoftmax,
  mul,
  mulDims,
  neg,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  scatterElementsAdd,
  slice,
  stopGradient,
  sub,
  type Tensor,
  where,
} from '@errata/graph';
import {
  buildDecoder,
  type DecoderSpec,
  hiddenBias,
  type KnowledgeSpec,
  pooledTexts,
  promptsOf,
  represented,
  sentinelOf,
  type WeightSource,
} from '@errata/models';
import { embeddingsName, gradientName, textInputs, trainedName } from '../../training/text-feeds.ts';

/** The terms of the loss, by the names of the paper. */
export const lossTerms = [
  'query_knowledge',
  'sentinel',
  'sentinel_locality',
  'reliability',
  'generality',
  'locality',
] as const;
export type LossTerm = (typeof lossTerms)[number];

/**
 * A target's loss counts as long as its probability is below this multiple of the greatest other one (the authors' configuration). Below
 * the second largest probability of all, as their code has it, is the same: where the target is not the most likely itself, it is
 * below that anyway.
 */
const hingeScale = 1.2;

/** Sizes that a graph is built for. */
export interface LossShape {
  /** Edits of the batch. */
  readonly knowledge: number;
  /** Of these the first so many go through the language model; 0 leaves the edit losses out. */
  readonly edits: number;
  /** Factor of the contrastive losses. */
  readonly contrastiveWeight: number;
}

/** Mean of -log p over the rows that count; 0 where none does. @param counts `[rows]`, 1 or 0 */
function meanOver(logProbs: Tensor, counts: Tensor): Tensor {
  const count = reduceSum(counts);
  return div(neg(reduceSum(mul(logProbs, counts))), where(less(count, 1), 1, count));
}

/**
 * Log-probabilities `[rows]` of targets among logits `[rows, n]`, and which of them the hinge lets count. No gradient flows through that.
 * @param targets `[rows, 1]` int32
 */
function hinged(logits: Tensor, targets: Tensor): { readonly logProbs: Tensor; readonly counts: Tensor } {
  const rows = logits.dims[0]!;
  const all = logSoftmax(logits);
  const own = gatherElements(all, targets, 1);
  const others = scatterElementsAdd(stopGradient(all), targets, fill(hiddenBias, [rows, 1], 'float32'), 1);
  const rival = reduceMax(others, [1], true);
  const counts = cast(less(stopGradient(own), add(rival, Math.log(hingeScale))), 'float32');
  return { logProbs: reshape(own, [rows]), counts: reshape(counts, [rows]) };
}

const column = (values: readonly number[]): Tensor => constant('int32', [values.length, 1], Int32Array.from(values));

function identity(n: number): Tensor {
  const values = new Float32Array(n * n);
  for (let i = 0; i < n; i++) values[i * n + i] = 1;
  return constant('float32', [n, n], values);
}

/**
 * The contrastive losses. With K statements, all `[K, r]`, and the sentinel `[1, r]`:
 * the first query of each record is to find its own statement among all and the sentinel; to the second, its own statement left out,
 * the sentinel is to be nearer than all others; and so it is to queries about something else.
 */
function contrastiveLosses(
  spec: KnowledgeSpec,
  size: number,
  statements: Tensor,
  sentinel: Tensor,
  queries: readonly Tensor[],
) {
  const [first, second, away] = queries as [Tensor, Tensor, Tensor];
  const scale = 1 / Math.sqrt(spec.representation);
  const all = concat([statements, sentinel], 0);
  const scores = (from: Tensor, to: Tensor) => mul(gemm(from, to, { transB: true }), scale);
  const diagonal = column(Array.from({ length: size }, (_, i) => i));
  const own = gatherElements(logSoftmax(scores(first, all)), diagonal, 1);
  const eye = identity(size);
  const others = add(mul(scores(second, statements), sub(1, eye)), mul(eye, scores(second, sentinel)));
  const apart = hinged(others, diagonal);
  const outside = hinged(scores(away, all), column(new Array<number>(size).fill(size)));
  return {
    query_knowledge: neg(reduceMean(own)),
    sentinel: meanOver(apart.logProbs, apart.counts),
    sentinel_locality: meanOver(outside.logProbs, outside.counts),
  };
}

/**
 * The edit losses: each edit's prompts stand before three sequences, its own prompt and a rephrasing with the target, and a prompt
 * about something else with what the model says of it without them.
 *
 * For E edits, sequences of T positions, R target tokens and L of the others, its inputs are `ids` `[3E*T]`, `positions` `[3E*T]`,
 * `bias` `[3E, 1, T, T]`, `prompt_rows` `[3E*promptTokens]` (where prompts lie), `rows` `[R]`, `targets` `[R, 1]`,
 * `of_reliability` and `of_generality` `[R]` (1 where a row is one's), `locality_rows` `[L]`, and `before` `[L, vocabulary]`, log-probabilities
 * without prompts.
 */
function editLosses(spec: KnowledgeSpec, decoder: DecoderSpec, weight: WeightSource, edits: number, prompts: Tensor) {
  const { promptTokens, promptWidth } = spec;
  const tokens = mulDims(3 * edits, 'T');
  const rows = reshape(prompts, [edits * promptTokens, promptWidth]);
  const graph = buildDecoder(decoder, {
    batch: 3 * edits,
    time: 'T',
    start: {
      kind: 'ids',
      ids: input('ids', 'int32', [tokens]),
      given: {
        rows: input('prompt_rows', 'int32', [3 * edits * promptTokens]),
        embeddings: concat([rows, rows, rows], 0),
      },
    },
    positions: input('positions', 'int32', [tokens]),
    bias: input('bias', 'float32', [3 * edits, 1, 'T', 'T']),
    rows: concat([input('rows', 'int32', ['R']), input('locality_rows', 'int32', ['L'])], 0),
    weight,
  });
  const logits = graph.logits();
  const { logProbs, counts } = hinged(slice(logits, 0, 0, 'R'), input('targets', 'int32', ['R', 1]));
  const of = (name: string) => meanOver(logProbs, mul(counts, input(name, 'float32', ['R'])));
  const after = logSoftmax(slice(logits, 0, 'R', addDims('R', 'L')));
  const before = input('before', 'float32', ['L', decoder.vocab]);
  const divergence = reduceSum(mul(exp(before), sub(before, after)), [1]);
  return { reliability: of('of_reliability'), generality: of('of_generality'), locality: reduceMean(divergence) };
}

/**
 * The whole graph: each term, their sum (all factors are 1 in the authors' configuration), and its gradients with respect to every
 * parameter that it depends on but the table of token embeddings, where that is trained: the rows that were looked up have theirs in
 * `d text_embeddings`.
 * @param weight the language model's, frozen
 */
export function recipeGraph(
  spec: KnowledgeSpec,
  decoder: DecoderSpec,
  weight: WeightSource,
  { knowledge, edits, contrastiveWeight }: LossShape,
  table: string,
): Readonly<Record<string, Tensor>> {
  const trained = new Map<string, Tensor>();
  for (const [name, dims] of spec.parameters)
    if (name !== table) trained.set(name, input(trainedName(name), 'float32', dims));
  const own = (name: string): Tensor => trained.get(name)!;
  // K statements, K first queries, K second ones, K about something else, one after another.
  const texts = textInputs(spec, 4 * knowledge);
  const pooled = pooledTexts(spec, own, texts);
  const part = (index: number) => slice(pooled, 0, index * knowledge, (index + 1) * knowledge);
  const statements = represented(own, 'knowledge', part(0));
  const queries = [1, 2, 3].map((index) => represented(own, 'query', part(index)));
  const contrastive = contrastiveLosses(spec, knowledge, statements, sentinelOf(spec, own), queries);
  const throughModel =
    edits === 0 ? {} : editLosses(spec, decoder, weight, edits, promptsOf(own, slice(statements, 0, 0, edits)));
  const sum = (terms: Readonly<Record<string, Tensor>>) => Object.values(terms).reduce((a, b) => add(a, b));
  const found = mul(sum(contrastive), contrastiveWeight);
  const loss = edits === 0 ? found : add(found, sum(throughModel));
  const reached = [...trained].filter(([name]) => edits > 0 || !name.startsWith('prompt.'));
  const wanted = [...reached, ...(spec.ownTokens ? [] : [[embeddingsName('text'), texts.embedded] as const])];
  const slopes = gradients(
    loss,
    wanted.map(([, tensor]) => tensor),
  );
  const named = wanted.map(([name], index) => [gradientName(name), slopes[index]!] as const);
  return { ...contrastive, ...throughModel, loss, ...Object.fromEntries(named) };
}
