// Heads fitted to texts of the edits before the first step, in closed form: queries find their statements with an encoder of random numbers.
import { type Matrix, matrix, multiply } from '@errata/graph';
import { type Model, pooledSentinel } from '@errata/models';
import { canonical, linearMap, repeated, scaleRow, whitened } from '../../training/canonical.ts';
import { beginAsTokens, textPooler } from '../../training/pooled-texts.ts';
import type { TrainingRecord } from '../../training/records.ts';
import type { Initial } from './initial.ts';

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
  if (initial.encoder === null) beginAsTokens(initial, model, statementTexts);
  const pool = textPooler(initial, model);
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
  const pooledTokens = await pool.made(`sentinel ${spec.sentinelTokens}`, (own) => pooledSentinel(spec, own));
  const apart = await multiply(less(pooledTokens, statements.mean), statements.whitening, { transB: true });
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

/** Sets a head to M(x - mean), M of zeros but for some rows, and its residual map to little. */
function setHead(
  { spec, weights }: Initial,
  head: 'knowledge' | 'query',
  maps: readonly (readonly [from: number, rows: Matrix])[],
  mean: Float64Array,
): void {
  const { weight, bias } = linearMap(spec.representation, maps, mean);
  weights.set(`${head}.in.weight`, weight);
  weights.set(`${head}.in.bias`, bias);
  const residual = weights.get(`${head}.residual.weight`)!;
  for (const at of residual.keys()) residual[at]! *= residualShare;
}
