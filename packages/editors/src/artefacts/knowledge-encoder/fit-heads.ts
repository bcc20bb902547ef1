// Heads fitted to texts of the edits before the first step, in closed form: queries find their statements with an encoder of random numbers.
import {
  float32,
  float32Data,
  input,
  type Matrix,
  matrix,
  multiply,
  symmetricEigen,
  transposeMatrix,
} from '@errata/graph';
import {
  encoderParameter,
  knowledgeTokenizer,
  type Model,
  pooledSentinel,
  pooledTexts,
  tokenEmbeddings,
} from '@errata/models';
import { runPruned } from '../../search/programs.ts';
import type { TrainingRecord } from '../../training/records.ts';
import { textFeeds } from './feeds.ts';
import type { Initial } from './initial.ts';
import { textInputs, trainedName } from './losses.ts';

/** Texts in one run. */
const textsAtOnce = 128;

/** What pools texts, and the sentinel's pseudo-tokens, with an encoder as it is. */
function pooler({ spec, weights, ...told }: Initial, model: Model) {
  const reader = { tokenizer: knowledgeTokenizer(told, model), bounds: told.bounds };
  const table = encoderParameter(spec.encoder.tokenEmbedding);
  const embeddings = tokenEmbeddings({ spec, weights }, model);
  const inputs = new Map([...spec.parameters].map(([name, dims]) => [name, input(trainedName(name), 'float32', dims)]));
  const own = (name: string) => inputs.get(name)!;
  const parameters = Object.fromEntries(
    [...spec.parameters]
      .filter(([name]) => name !== table)
      .map(([name, dims]) => [trainedName(name), float32(dims, weights.get(name)!)]),
  );
  const program = (what: string, graph: () => ReturnType<typeof pooledTexts>) =>
    model
      .view()
      .program(`knowledge encoder pooled ${what} ${JSON.stringify([spec.config, spec.sentinelTokens])}`, () => ({
        pooled: graph(),
      }));
  return {
    async texts(texts: readonly string[]): Promise<Matrix> {
      const run = await program('texts', () => pooledTexts(spec, own, textInputs(spec, 'B')));
      const size = 4 * spec.encoder.width;
      const all = matrix(texts.length, size);
      for (let from = 0; from < texts.length; from += textsAtOnce) {
        const { feeds } = textFeeds(spec, embeddings, reader, texts.slice(from, from + textsAtOnce));
        all.data.set(float32Data((await runPruned(run, { ...parameters, ...feeds })).pooled!), from * size);
      }
      return all;
    },
    async sentinel(): Promise<Matrix> {
      const run = await program('sentinel', () => pooledSentinel(spec, own));
      const vector = float32Data((await runPruned(run, parameters)).pooled!);
      return matrix(1, vector.length, Float64Array.from(vector));
    },
  };
}

/** Of the mean variance, added to each: directions in which a few thousand texts hardly differ are not fitted to. */
const ridge = 0.01;

/** A sample less its mean, and W with W·Cov·Wᵀ = 1, but for the ridge. */
async function whitened(sample: Matrix) {
  const { rows, columns, data } = sample;
  const mean = new Float64Array(columns);
  for (const [at, value] of data.entries()) mean[at % columns]! += value / rows;
  const centred = matrix(
    rows,
    columns,
    data.map((value, at) => value - mean[at % columns]!),
  );
  const moment = await multiply(centred, centred, { transA: true });
  const { values, vectors } = symmetricEigen(moment);
  const least = (ridge * values.reduce((a, b) => a + b, 0)) / columns;
  const whitening = transposeMatrix(vectors);
  for (const at of whitening.data.keys())
    whitening.data[at]! *= Math.sqrt(rows / (Math.max(0, values[Math.floor(at / columns)]!) + least));
  return { mean, centred, whitening };
}

/** Rows of a matrix, each repeated. */
function repeated({ columns, data }: Matrix, owners: readonly number[]): Matrix {
  const out = matrix(owners.length, columns);
  for (const [row, owner] of owners.entries())
    out.data.set(data.subarray(owner * columns, (owner + 1) * columns), row * columns);
  return out;
}

type Whitened = Awaited<ReturnType<typeof whitened>>;

/**
 * The first canonical directions of two samples that belong together row by row: maps to as many numbers each, which are uncorrelated
 * but for those of one index, and how correlated these are.
 */
async function canonical(a: Whitened, b: Whitened, count: number) {
  const product = await multiply(a.centred, b.centred, { transA: true });
  for (const at of product.data.keys()) product.data[at]! /= a.centred.rows;
  const between = await multiply(await multiply(a.whitening, product), b.whitening, { transB: true });
  const { values, vectors } = symmetricEigen(await multiply(between, between, { transB: true }));
  const left = rowsOf(transposeMatrix(vectors), count);
  const right = await multiply(left, between);
  const correlations = Array.from(values.subarray(0, count), (value) => Math.sqrt(Math.max(value, 1e-12)));
  for (const [row, rho] of correlations.entries()) scaleRow(right, row, 1 / rho);
  return {
    a: await multiply(left, a.whitening),
    b: await multiply(right, b.whitening),
    // Noise may have brought an estimate to 1.
    correlations: correlations.map((rho) => Math.min(rho, 0.98)),
  };
}

/** Texts that tell what tokens have in common. */
const commonSample = 1000;

/** What the outputs of the blocks of an encoder from nothing are multiplied with: it begins as a bag of tokens, nearly. */
const blockShare = 0.01;

/**
 * Has an encoder from nothing begin as its tokens, less what the tokens of these texts have in common (of a language model's embeddings
 * that is most of them): the embedding of the one type that all tokens have takes it away.
 */
function beginAsTokens({ spec, weights, ...told }: Initial, model: Model, texts: readonly string[]): void {
  const { encoder } = spec;
  const reader = { tokenizer: knowledgeTokenizer(told, model), bounds: told.bounds };
  const { feeds } = textFeeds(spec, tokenEmbeddings({ spec, weights }, model), reader, texts);
  const rows = feeds.text_embeddings!.data as Float32Array;
  const present = feeds.text_bias!.data as Float32Array;
  const type = weights.get(encoderParameter(encoder.tokenTypes!.table))!.fill(0);
  const count = present.reduce((sum, bias) => sum + (bias === 0 ? 1 : 0), 0);
  for (const [at, value] of rows.entries())
    if (present[Math.floor(at / type.length)] === 0) type[at % type.length]! -= value / count;
  for (const { attentionOutput, mlp } of encoder.blocks)
    for (const { weight } of [attentionOutput, mlp.output]) {
      const values = weights.get(encoderParameter(weight))!;
      for (const at of values.keys()) values[at]! *= blockShare;
    }
}

/** Share of a representation by which queries and statements find each other; the rest is for what prompts are made of. */
const findingShare = 0.6;

/** What a query and its own statement score on average, and the sentinel with any: scores are what a softmax is taken of. */
const ownScore = 16;
const sentinelScore = 10;

/** The residual maps, in parts of what they are drawn as: the heads begin as the linear maps that were fitted, nearly. */
const residualShare = 0.1;

/**
 * Sets the heads' first maps. Most of a representation are the canonical correlations of pooled queries (prompts and rephrasings) and
 * their statements (Hotelling 1936, Relations Between Two Sets of Variates), each weighted by √(ρ/(1-ρ²)): were texts Gaussian, the product
 * would be, but for its scale, what a query says about a statement. The rest, zero in queries, is what statements have
 * beyond their prompts: the answers. The last number is 1 in queries and what tells the sentinel from statements in knowledge (Fisher 1936).
 */
export async function fitHeads(initial: Initial, model: Model, records: readonly TrainingRecord[]): Promise<void> {
  const { spec, weights } = initial;
  const last = spec.representation - 1;
  const statementTexts = records.map(({ statement }) => statement);
  if (initial.encoder === null) beginAsTokens(initial, model, statementTexts.slice(0, commonSample));
  const pool = pooler(initial, model);
  const asked = records.map(({ reliability, generality }) =>
    [reliability, ...generality[0]!].map(({ query }) => query),
  );
  const owners = asked.flatMap((queries, record) => queries.map(() => record));
  const pooled = await pool.texts(statementTexts);
  const bare = await pool.texts(records.map(({ reliability }) => reliability.query));
  const answers = matrix(
    pooled.rows,
    pooled.columns,
    pooled.data.map((value, at) => value - bare.data[at]!),
  );
  const queries = await whitened(await pool.texts(asked.flat()));
  const statements = await whitened(pooled);
  const count = Math.min(Math.floor(findingShare * last), pooled.columns);
  const found = await canonical(queries, { ...statements, centred: repeated(statements.centred, owners) }, count);
  const said = await canonical(await whitened(answers), statements, Math.min(last - count, pooled.columns));
  const information = found.correlations.reduce((sum, rho) => sum + rho ** 2 / (1 - rho ** 2), 0);
  const scale = (ownScore * Math.sqrt(spec.representation)) / information;
  for (const [row, rho] of found.correlations.entries()) {
    const weight = Math.sqrt((scale * rho) / (1 - rho ** 2));
    scaleRow(found.a, row, weight);
    scaleRow(found.b, row, weight);
  }
  const apart = await multiply(less(await pool.sentinel(), statements.mean), statements.whitening, { transB: true });
  const distance = apart.data.reduce((sum, value) => sum + value ** 2, 0);
  scaleRow(apart, 0, (sentinelScore * Math.sqrt(spec.representation)) / distance);
  const sentinel = await multiply(apart, statements.whitening);
  setHead(initial, 'query', [[0, found.a]], queries.mean);
  weights.get('query.in.bias')![last] = 1;
  setHead(
    initial,
    'knowledge',
    [
      [0, found.b],
      [count, said.b],
      [last, sentinel],
    ],
    statements.mean,
  );
}

const less = ({ columns, data }: Matrix, mean: Float64Array): Matrix =>
  matrix(
    1,
    columns,
    data.map((value, at) => value - mean[at]!),
  );

const rowsOf = ({ columns, data }: Matrix, count: number): Matrix =>
  matrix(count, columns, data.slice(0, count * columns));

function scaleRow({ columns, data }: Matrix, row: number, factor: number): void {
  for (let column = 0; column < columns; column++) data[row * columns + column]! *= factor;
}

/** Sets a head to M(x - mean), M of zeros but for some rows, and its residual map to little. */
function setHead(
  { spec, weights }: Initial,
  head: 'knowledge' | 'query',
  maps: readonly (readonly [from: number, rows: Matrix])[],
  mean: Float64Array,
): void {
  const { length: size } = mean;
  const weight = new Float32Array(spec.representation * size);
  for (const [from, { data }] of maps) weight.set(data, from * size);
  const bias = new Float32Array(spec.representation);
  for (const [at, value] of weight.entries()) bias[Math.floor(at / size)]! -= value * mean[at % size]!;
  weights.set(`${head}.in.weight`, weight);
  weights.set(`${head}.in.bias`, bias);
  const residual = weights.get(`${head}.residual.weight`)!;
  for (const at of residual.keys()) residual[at]! *= residualShare;
}
