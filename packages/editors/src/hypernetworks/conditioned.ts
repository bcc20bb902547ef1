// KE's networks: a reader of the edit in words says how its gradient is masked, scaled and shifted (De Cao et al. 2021, section 3.3 and appendix A).
import {
  concat,
  div,
  float32,
  gather,
  gemm,
  input,
  mul,
  reduceSum,
  reshape,
  sigmoid,
  softmax,
  split,
  sqrt,
  square,
  type Tensor,
  tanh,
} from '@errata/graph';
import { type DecoderSpec, type Tokenizer, uniform, type View } from '@errata/models';
import type { TargetSequence } from '../texts/sequences.ts';
import { type LstmWeights, type Reading, readBack, readText } from './lstm.ts';
import type { EditedMap } from './maps.ts';

/** Name of the Lagrange multiplier of what edits are to leave alone. */
export const multiplierName = 'multiplier';

const directions = ['forward', 'backward'] as const;

/** What the reader puts out, in sizes of its hidden state: the authors' are 1024 and 128. */
const conditionSize = 8;

/** Rows of the gates of an LSTM: in, forget, new, out. */
const gates = 4;

/** Of a map, what a condition is turned into: two columns and two rows, of which each pair makes a matrix, and a strength. */
const partsOf = ({ matrix: { inSize, outSize } }: EditedMap) => [inSize, outSize, inSize, outSize, 1] as const;

/** @param hidden size of the hidden states, of the reader in each direction and of the network of every map */
export function conditionedParameters(
  maps: readonly EditedMap[],
  { width }: DecoderSpec,
  hidden: number,
): ReadonlyMap<string, readonly number[]> {
  const parameters = new Map<string, readonly number[]>();
  for (const direction of directions)
    parameters
      .set(`${direction}.input`, [gates * hidden, width])
      .set(`${direction}.hidden`, [gates * hidden, hidden])
      .set(`${direction}.bias`, [gates * hidden]);
  const condition = conditionSize * hidden;
  parameters.set('condition.weight', [condition, 2 * hidden]).set('condition.bias', [condition]);
  for (const [index, map] of maps.entries()) {
    const parts = partsOf(map).reduce<number>((a, b) => a + b, 0);
    for (const [layer, rows, columns] of [
      [0, hidden, condition],
      [1, parts, hidden],
    ] as const)
      parameters
        .set(`${index}.${layer}.direction`, [rows, columns])
        .set(`${index}.${layer}.length`, [rows])
        .set(`${index}.${layer}.bias`, [rows]);
  }
  return parameters.set(multiplierName, [1]);
}

/** Before training: uniform within one over the root of what a row reads, as PyTorch has it; lengths are those of the directions, the multiplier 1. */
export function initialConditioned(
  parameters: ReadonlyMap<string, readonly number[]>,
  seed: number,
): ReadonlyMap<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  let stream = 0;
  for (const [name, [rows = 1, columns = 1]] of parameters) {
    const [place] = name.split(/\.(?=[^.]*$)/);
    const reads = (parameters.get(`${place}.hidden`) ??
      parameters.get(`${place}.direction`) ??
      parameters.get(`${place}.weight`))?.[1];
    const bound = 1 / Math.sqrt(reads ?? columns);
    const next = uniform(seed, stream++);
    const values = Float32Array.from({ length: rows * columns }, () => bound * (2 * next() - 1));
    weights.set(name, values);
  }
  for (const [name, values] of weights) {
    if (name === multiplierName) values.fill(1);
    if (!name.endsWith('.length')) continue;
    const direction = weights.get(name.replace('.length', '.direction'))!;
    const columns = direction.length / values.length;
    for (let row = 0; row < values.length; row++)
      values[row] = Math.sqrt(
        direction.subarray(row * columns, (row + 1) * columns).reduce((sum, x) => sum + x * x, 0),
      );
  }
  return weights;
}

/** The edits of a run in words, `{old} >> {new} || {prompt}`: of each token what the model embeds it as. */
export type Conditions = readonly (readonly Float32Array[])[];

/** Reads what a version has in place of targets: old is the likeliest token at each place, given the new ones before it. */
export async function readConditions(
  view: View,
  tokenizer: Tokenizer,
  sequences: readonly TargetSequence[],
): Promise<Conditions> {
  const [arrow, bars] = [tokenizer.encode(' >> '), tokenizer.encode(' || ')];
  const promptOf = ({ ids, targetStart }: TargetSequence) => ids.slice(0, targetStart + 1);
  const scores = await view.score(
    sequences.map((sequence) => ({ prompt: promptOf(sequence), target: sequence.targetIds })),
  );
  const { width, tokenEmbedding } = view.spec;
  const table = view.weight(tokenEmbedding);
  return sequences.map((sequence, at) =>
    [...scores[at]!.best, ...arrow, ...sequence.targetIds, ...bars, ...promptOf(sequence)].map((id) =>
      table.subarray(id * width, (id + 1) * width),
    ),
  );
}

const readerOf = (weights: ReadonlyMap<string, Float32Array>, direction: (typeof directions)[number]): LstmWeights => ({
  input: weights.get(`${direction}.input`)!,
  hidden: weights.get(`${direction}.hidden`)!,
  bias: weights.get(`${direction}.bias`)!,
});

/** The edits as they were read, in both directions. */
export type Readings = readonly (readonly [forward: Reading, backward: Reading])[];

export const readEdits = (weights: ReadonlyMap<string, Float32Array>, conditions: Conditions): Readings =>
  conditions.map((rows) => [
    readText(readerOf(weights, 'forward'), rows),
    readText(readerOf(weights, 'backward'), rows.toReversed()),
  ]);

/** Adds to sums the gradients of the reader, given those of what it made of the edits, `[Q, 2 hidden]`. */
export function readEditsBack(
  weights: ReadonlyMap<string, Float32Array>,
  readings: Readings,
  slopes: Float32Array,
  sums: ReadonlyMap<string, Float32Array>,
): void {
  const hidden = slopes.length / readings.length / directions.length;
  for (const [edit, both] of readings.entries())
    for (const [at, direction] of directions.entries()) {
      const from = (edit * directions.length + at) * hidden;
      const slope = slopes.subarray(from, from + hidden);
      readBack(readerOf(weights, direction), both[at]!, slope, readerOf(sums, direction));
    }
}

/** Whether a parameter is the reader's, whose gradients the graph of the rest does not have. */
export const isReaders = (name: string): boolean => directions.some((direction) => name.startsWith(`${direction}.`));

/** The input of the graph that is what the reader made of edits, `[Q, 2 hidden]`. */
export const readInput = (hidden: number): Tensor => input('read', 'float32', ['Q', directions.length * hidden]);

export const readFeeds = (readings: Readings) => {
  const data = Float32Array.from(readings.flatMap((both) => both.flatMap(({ last }) => [...last])));
  return { read: float32([readings.length, data.length / readings.length], data) };
};

/** A linear map whose rows have a direction and a length of their own (weight normalisation). */
function normalised(own: (name: string) => Tensor, place: string, x: Tensor): Tensor {
  const direction = own(`${place}.direction`);
  const rows = direction.dims[0]!;
  const lengths = sqrt(reduceSum(square(direction), [1], true));
  const weight = mul(div(direction, lengths), reshape(own(`${place}.length`), [rows, 1]));
  return gemm(x, weight, { transB: true, bias: own(`${place}.bias`) });
}

/**
 * What becomes of the gradient of a map. Its change is sigma(eta) (G * a b^T + c d^T), of the gradient G = sum of x g^T over tokens, with a and c of
 * what goes in, b and d, which add up to one, of what comes out (equations 6 and 7): the same as the sum of sigma(eta) (a * x) (b * g)^T over tokens, and
 * of sigma(eta) c d^T. So the factors are those of tokens, `N`, and of edits, `Q`, behind them.
 *
 * @param read {@link readInput}
 * @returns of a map by its index: both factors, of its gradient's and the edit of each token `[N]`
 */
export function conditionedFactors(
  { maps }: { readonly maps: readonly EditedMap[] },
  own: (name: string) => Tensor,
  read: Tensor,
) {
  const condition = tanh(gemm(read, own('condition.weight'), { transB: true, bias: own('condition.bias') }));
  return (index: number, x: Tensor, d: Tensor, edits: Tensor): { readonly x: Tensor; readonly d: Tensor } => {
    const inner = tanh(normalised(own, `${index}.0`, condition));
    const made = split(normalised(own, `${index}.1`, inner), 1, [...partsOf(maps[index]!)]);
    const [a, b, c, e, eta] = made as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const strength = sigmoid(eta);
    const ofTokens = (each: Tensor) => gather(each, edits);
    return {
      x: concat([mul(x, ofTokens(mul(a, strength))), mul(c, strength)], 0),
      d: concat([mul(d, ofTokens(softmax(b))), softmax(e)], 0),
    };
  };
}
