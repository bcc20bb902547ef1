// The networks that make of a gradient's factors those of an update (Mitchell et al. 2022, section 3.1; Tan et al. 2024, section 3).
import {
  add,
  concat,
  div,
  gemm,
  lessOrEqual,
  mul,
  neg,
  reduceSum,
  reshape,
  slice,
  sub,
  type Tensor,
  where,
} from '@errata/graph';
import { type DecoderSpec, uniform } from '@errata/models';
import { conditionedParameters, initialConditioned } from './conditioned.ts';
import type { Factors } from './factors.ts';
import { type EditedMap, mlpMaps, valueMaps } from './maps.ts';
import type { TransformMethod } from './methods.ts';

/** Residual layers of a network. */
const depth = 2;

/** Added to deviations, which may be zero. */
const epsilon = 1e-7;

/** What a transform is made for. */
export interface TransformSpec {
  readonly method: TransformMethod;
  readonly maps: readonly EditedMap[];
  /** Of the matrices of its networks, at most; with KE, of its hidden states. */
  readonly rank: number;
  /** What is learned, by name, with its shape. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** What is counted: means and summed squares of the factors that were seen in training, and how many those were. */
  readonly statistics: ReadonlyMap<string, readonly number[]>;
}

/** Maps of one shape share a network. */
const shapeName = ({ matrix: { inSize, outSize } }: EditedMap): string => `${inSize}x${outSize}`;

/** The maps of each shape, in order. */
function byShape(maps: readonly EditedMap[]): ReadonlyMap<string, readonly EditedMap[]> {
  const groups = new Map<string, EditedMap[]>();
  for (const map of maps) groups.set(shapeName(map), [...(groups.get(shapeName(map)) ?? []), map]);
  return groups;
}

/** Name of the learning rates, one a map. */
export const ratesName = 'rates';

/** Name of the logarithms of what the diagonals of the normal equations gain, one a map. */
export const ridgesName = 'ridges';

const mapsOf = { mend: mlpMaps, malmen: valueMaps, ke: mlpMaps } as const;

export function transformSpec(
  method: TransformMethod,
  decoder: DecoderSpec,
  layers: readonly number[],
  rank: number,
): TransformSpec {
  const maps = mapsOf[method](decoder, layers);
  if (method === 'ke')
    return { method, maps, rank, parameters: conditionedParameters(maps, decoder, rank), statistics: new Map() };
  const parameters = new Map<string, readonly number[]>();
  const statistics = new Map<string, readonly number[]>();
  for (const [shape, sharing] of byShape(maps)) {
    const { inSize, outSize } = sharing[0]!.matrix;
    const size = inSize + outSize;
    const inner = Math.min(rank, size);
    for (let layer = 0; layer < depth; layer++) {
      const name = (part: string) => `${shape}.${layer}.${part}`;
      parameters.set(name('u'), [size, inner]).set(name('v'), [inner, size]).set(name('bias'), [size]);
      parameters.set(name('scale'), [sharing.length, size]).set(name('shift'), [sharing.length, size]);
    }
    statistics.set(`${shape}.count`, [1]).set(`${shape}.mean`, [size]).set(`${shape}.squares`, [size]);
  }
  parameters.set(ratesName, [maps.length]);
  if (method === 'malmen') parameters.set(ridgesName, [maps.length]);
  return { method, maps, rank, parameters, statistics };
}

const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Normal numbers, by Box and Muller. */
function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** A transform as it is before it is trained: V is normal, U zero, so that every network is the identity; KE's are random. */
export function initialTransform(
  { method, parameters, statistics }: TransformSpec,
  { seed, initial_rate = 0 }: { readonly seed: number; readonly initial_rate?: number },
): ReadonlyMap<string, Float32Array> {
  if (method === 'ke') return initialConditioned(parameters, seed);
  const weights = new Map<string, Float32Array>();
  for (const [index, [name, dims]] of [...parameters].entries()) {
    const values = new Float32Array(sizeOf(dims));
    if (name.endsWith('.v')) {
      const next = uniform(seed, index);
      for (let i = 0; i < values.length; i++) values[i] = normal(next);
    }
    if (name.endsWith('.scale')) values.fill(1);
    if (name === ratesName) values.fill(initial_rate);
    weights.set(name, values);
  }
  for (const [name, dims] of statistics) weights.set(name, new Float32Array(sizeOf(dims)));
  return weights;
}

/** Counts factors: running means and summed squares, merged in float64 (Chan et al. 1979). Changed in place. */
export function countFactors(
  weights: ReadonlyMap<string, Float32Array>,
  { maps }: TransformSpec,
  factors: readonly Factors[],
): void {
  for (const [shape, sharing] of byShape(maps)) {
    const [count, mean, squares] = ['count', 'mean', 'squares'].map((part) => weights.get(`${shape}.${part}`)!);
    const { inSize } = sharing[0]!.matrix;
    const theirs = sharing.map((map) => factors[maps.indexOf(map)]!);
    const added = theirs.reduce((sum, one) => sum + one.count, 0);
    const before = count![0]!;
    const all = before + added;
    if (added === 0) continue;
    for (let i = 0; i < mean!.length; i++) {
      const each = (visit: (x: number) => void) => {
        for (const { inputs, gradients, count: rows } of theirs) {
          const [data, size, at] = i < inSize ? [inputs, inSize, i] : [gradients, mean!.length - inSize, i - inSize];
          for (let row = 0; row < rows; row++) visit(data[row * size + at]!);
        }
      };
      let sum = 0;
      each((x) => {
        sum += x;
      });
      const own = sum / added;
      let apart = 0;
      each((x) => {
        apart += (x - own) ** 2;
      });
      const difference = own - mean![i]!;
      squares![i] = squares![i]! + apart + (difference ** 2 * before * added) / all;
      mean![i] = mean![i]! + (difference * added) / all;
    }
    count![0] = all;
  }
}

/** Deviations of all elements by the shape of maps, as the graph takes them; none where nothing is counted. */
export function deviations(
  weights: ReadonlyMap<string, Float32Array>,
  { maps, statistics }: TransformSpec,
): ReadonlyMap<string, { readonly mean: Float32Array; readonly deviation: Float32Array }> {
  if (statistics.size === 0) return new Map();
  return new Map(
    [...byShape(maps).keys()].map((shape) => {
      const counted = Math.max(1, weights.get(`${shape}.count`)![0]! - 1);
      const deviation = weights.get(`${shape}.squares`)!.map((sum) => Math.sqrt(sum / counted));
      return [shape, { mean: weights.get(`${shape}.mean`)!, deviation }];
    }),
  );
}

/** max(x, 0) whose gradient at 0 is 1: zeros are what training begins with. */
const fromZero = (x: Tensor): Tensor => where(lessOrEqual(0, x), x, 0);

/**
 * What one map's factors become. Through the networks go [x; d], scaled by what was seen, twice by y + max(0, (U V y + b) * scale + shift), or, with
 * MALMEN, y + max(0, U V y + b) * scale + shift; x~ and d~ come out. MEND's update is the sum over tokens of x~ (-rate d~) (equation 3 and algorithm
 * 2); a token of MALMEN's asks that the map gives -rate (x . x~) d~ more for x (section 3.1).
 * @param own a parameter of the transform, or the `mean` or `deviation` of a shape, by name
 * @param x `[rows, inSize]` @param d `[rows, outSize]`
 * @returns both factors of the update, of the same shapes
 */
export function transformed(
  { method, maps }: TransformSpec,
  own: (name: string) => Tensor,
  map: EditedMap,
  x: Tensor,
  d: Tensor,
): { readonly x: Tensor; readonly d: Tensor } {
  const shape = shapeName(map);
  const place = byShape(maps).get(shape)!.indexOf(map);
  const { inSize, outSize } = map.matrix;
  let y = div(sub(concat([x, d], 1), own(`${shape}.mean`)), add(own(`${shape}.deviation`), epsilon));
  for (let layer = 0; layer < depth; layer++) {
    const part = (name: string) => own(`${shape}.${layer}.${name}`);
    const ofMap = (name: string) => slice(part(name), 0, place, place + 1);
    const inner = gemm(y, part('v'), { transB: true });
    const raw = gemm(inner, part('u'), { transB: true, bias: part('bias') });
    const scaled = (z: Tensor) => add(mul(z, ofMap('scale')), ofMap('shift'));
    y = add(y, method === 'mend' ? fromZero(scaled(raw)) : scaled(fromZero(raw)));
  }
  const index = maps.indexOf(map);
  const rate = reshape(slice(own(ratesName), 0, index, index + 1), [1, 1]);
  const [xOut, dOut] = [slice(y, 1, 0, inSize), slice(y, 1, inSize, inSize + outSize)];
  if (method === 'mend') return { x: xOut, d: neg(mul(dOut, rate)) };
  return { x, d: neg(mul(dOut, mul(reduceSum(mul(x, xOut), [1], true), rate))) };
}
