// Every operator's gradient against central finite differences in float64.

import { describe, expect, it } from 'vitest';
import { linear, linearCrossEntropy, rmsNorm, sumRows } from './composites.ts';
import type { Dim } from './dims.ts';
import { differentiableOps, gradients } from './gradients.ts';
import type { Tensor } from './nodes.ts';
import * as ops from './ops.ts';
import { compile, evaluate } from './program.ts';
import { constant, float64, float64Data, input, int32, scalar } from './tensor.ts';

type Case = {
  /** Concrete shapes of the float64 operands. */
  readonly shapes: readonly (readonly number[])[];
  /** Shapes as declared, where symbols are to be tried. */
  readonly declared?: readonly (readonly Dim[])[];
  /** Operands are drawn from (low, high). */
  readonly range?: readonly [number, number];
  readonly build: (operands: readonly Tensor[]) => Tensor;
};

const ids = (...values: number[]) => constant('int32', [values.length], Int32Array.from(values));

const cases: Record<string, Case> = {
  add: { shapes: [[2, 3], [3]], build: ([a, b]) => ops.add(a!, b!) },
  'add to itself': { shapes: [[2, 3]], build: ([a]) => ops.add(a!, a!) },
  'sub (outer broadcast)': {
    shapes: [
      [2, 1],
      [1, 3],
    ],
    build: ([a, b]) => ops.sub(a!, b!),
  },
  'mul (symbolic)': {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    declared: [
      ['R', 3],
      ['R', 1],
    ],
    build: ([a, b]) => ops.mul(a!, b!),
  },
  div: { shapes: [[2, 3], [3]], range: [0.5, 2], build: ([a, b]) => ops.div(a!, b!) },
  pow: { shapes: [[4]], range: [0.5, 2], build: ([x]) => ops.pow(x!, 2.5) },
  'pow 1': { shapes: [[4]], build: ([x]) => ops.pow(x!, 1) },
  neg: { shapes: [[4]], build: ([x]) => ops.neg(x!) },
  exp: { shapes: [[4]], build: ([x]) => ops.exp(x!) },
  log: { shapes: [[4]], range: [0.5, 2], build: ([x]) => ops.log(x!) },
  sqrt: { shapes: [[4]], range: [0.5, 2], build: ([x]) => ops.sqrt(x!) },
  sin: { shapes: [[4]], build: ([x]) => ops.sin(x!) },
  cos: { shapes: [[4]], build: ([x]) => ops.cos(x!) },
  tanh: { shapes: [[4]], build: ([x]) => ops.tanh(x!) },
  sigmoid: { shapes: [[4]], build: ([x]) => ops.sigmoid(x!) },
  erf: { shapes: [[6]], range: [-3, 3], build: ([x]) => ops.erf(x!) },
  relu: { shapes: [[6]], build: ([x]) => ops.relu(x!) },
  'gelu tanh': { shapes: [[8]], range: [-4, 4], build: ([x]) => ops.gelu(x!, 'tanh') },
  'gelu erf': { shapes: [[8]], range: [-4, 4], build: ([x]) => ops.gelu(x!, 'erf') },
  silu: { shapes: [[8]], range: [-4, 4], build: ([x]) => ops.silu(x!) },
  square: { shapes: [[4]], build: ([x]) => ops.square(x!) },
  where: { shapes: [[2, 3], [3]], build: ([a, b]) => ops.where(ops.less(0, a!), a!, b!) },
  cast: { shapes: [[4]], build: ([x]) => ops.cast(ops.cast(x!, 'float64'), 'float64') },
  matmul: {
    shapes: [
      [2, 2, 3],
      [2, 3, 4],
    ],
    build: ([a, b]) => ops.matmul(a!, b!),
  },
  'matmul (broadcast batch)': {
    shapes: [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    build: ([a, b]) => ops.matmul(a!, b!),
  },
  gemm: { shapes: [[2, 3], [3, 4], [4]], build: ([a, b, c]) => ops.gemm(a!, b!, { bias: c! }) },
  'gemm transA': {
    shapes: [
      [3, 2],
      [3, 4],
    ],
    build: ([a, b]) => ops.gemm(a!, b!, { transA: true }),
  },
  'gemm transB': {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    build: ([a, b]) => ops.gemm(a!, b!, { transB: true }),
  },
  'gemm both': {
    shapes: [
      [3, 2],
      [4, 3],
      [2, 1],
    ],
    build: ([a, b, c]) => ops.gemm(a!, b!, { transA: true, transB: true, bias: c! }),
  },
  transpose: { shapes: [[2, 3, 4]], build: ([x]) => ops.transpose(x!, [2, 0, 1]) },
  reshape: { shapes: [[2, 6]], build: ([x]) => ops.reshape(x!, [3, 4]) },
  'reshape (symbolic, split back)': {
    shapes: [
      [6, 4],
      [2, 3],
    ],
    declared: [
      ['B*T', 4],
      ['B', 'T'],
    ],
    build: ([x, like]) => ops.mul(ops.reshape(x!, ['B', 'T', 2, 2]), ops.reshape(like!, ['B', 'T', 1, 1])),
  },
  expand: { shapes: [[2, 1]], build: ([x]) => ops.expand(x!, [3, 2, 4]) },
  concat: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    build: ([a, b]) => ops.concat([a!, b!, a!], 1),
  },
  split: {
    shapes: [[2, 5]],
    build: ([x]) => {
      const [a, , c] = ops.split(x!, 1, [2, 1, 2]);
      return ops.mul(a!, c!);
    },
  },
  slice: { shapes: [[4, 3]], build: ([x]) => ops.slice(x!, 0, 1, 3) },
  'slice (symbolic)': { shapes: [[4, 3]], declared: [['T', 3]], build: ([x]) => ops.slice(x!, 0, 1, 'T') },
  pad: { shapes: [[2, 3]], build: ([x]) => ops.pad(x!, 1, 1, 2) },
  gather: { shapes: [[4, 3]], build: ([x]) => ops.gather(x!, ids(2, 0, 2, 2)) },
  'gather (symbolic)': { shapes: [[4, 3]], declared: [['N', 3]], build: ([x]) => ops.gather(x!, ids(2, 0, 2)) },
  gatherElements: {
    shapes: [[2, 3]],
    build: ([x]) => ops.gatherElements(x!, constant('int32', [2, 2], Int32Array.of(1, 1, 2, 0)), 1),
  },
  scatterElementsAdd: {
    shapes: [
      [3, 2],
      [3, 2],
    ],
    build: ([x, u]) => ops.scatterElementsAdd(x!, constant('int32', [3, 2], Int32Array.of(0, 2, 0, 1, 0, 2)), u!, 0),
  },
  scatterRows: {
    shapes: [
      [4, 2],
      [2, 2],
    ],
    build: ([x, u]) => ops.scatterRows(x!, ids(3, 1), u!),
  },
  softmax: { shapes: [[2, 4]], build: ([x]) => ops.softmax(x!) },
  logSoftmax: { shapes: [[2, 4]], build: ([x]) => ops.logSoftmax(x!) },
  cumSum: { shapes: [[2, 4]], build: ([x]) => ops.cumSum(x!) },
  'cumSum in reverse': { shapes: [[2, 4]], build: ([x]) => ops.cumSum(x!, true) },
  reduceSum: { shapes: [[2, 3, 4]], build: ([x]) => ops.reduceSum(x!, [0, 2]) },
  reduceMean: { shapes: [[2, 3, 4]], build: ([x]) => ops.reduceMean(x!, [1], true) },
  'reduceMean (symbolic)': { shapes: [[3, 4]], declared: [['R', 4]], build: ([x]) => ops.reduceMean(x!, [0]) },
  reduceMax: { shapes: [[3, 4]], build: ([x]) => ops.reduceMax(x!, [1]) },
  layerNorm: { shapes: [[3, 4], [4], [4]], build: ([x, s, b]) => ops.layerNorm(x!, s!, b!, 1e-5) },
  rmsNorm: { shapes: [[2, 2, 4], [4]], build: ([x, s]) => rmsNorm(x!, s!, 1e-6) },
  sumRows: { shapes: [[3, 4]], declared: [['R', 4]], build: ([x]) => sumRows(x!) },
  'linear out_in': {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    build: ([x, w]) => linear(x!, w!, 'out_in'),
  },
  'composite: linear and cross-entropy, in_out': {
    shapes: [[3, 2], [2, 5], [3]],
    build: ([h, w, r]) => linearCrossEntropy(h!, w!, 'in_out', ids(1, 4, 1), r!).loss,
  },
  'composite: linear and cross-entropy, out_in': {
    shapes: [[3, 2], [5, 2], [3]],
    declared: [['R', 2], [5, 2], ['R']],
    build: ([h, w, r]) => linearCrossEntropy(h!, w!, 'out_in', input('targets', 'int32', ['R']), r!).loss,
  },
  'composite: linear and cross-entropy, bias and cap': {
    shapes: [[3, 2], [5, 2], [3], [5]],
    build: ([h, w, r, bias]) => linearCrossEntropy(h!, w!, 'out_in', ids(1, 4, 1), r!, { bias, cap: 0.7 }).loss,
  },
};

/** Deterministic numbers in (low, high), far apart enough that maxima and signs do not flip under a small step. */
function draw(count: number, seed: number, [low, high]: readonly [number, number]): Float64Array {
  let state = seed * 2654435761 + 1;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return low + (high - low) * (((state ^ (state >>> 12)) >>> 0) / 2 ** 32);
  });
}

const step = 1e-5;

describe('gradients agree with central differences', () => {
  for (const [name, { shapes, declared = shapes, range = [-1, 1] as const, build }] of Object.entries(cases)) {
    it(name, async () => {
      const operands = declared.map((dims, i) => input(`x${i}`, 'float64', dims));
      const values = shapes.map((dims, i) =>
        draw(
          dims.reduce((a, b) => a * b, 1),
          i + 1 + name.length,
          range,
        ),
      );
      const y = build(operands);
      // A fixed random cotangent makes the loss see every element with another weight.
      const sizes = y.dims.filter((dim) => typeof dim === 'number');
      const fixed = sizes.length === y.dims.length;
      const weights = fixed
        ? constant(
            'float64',
            sizes,
            draw(
              sizes.reduce((a, b) => a * b, 1),
              99,
              [0.5, 1.5],
            ),
          )
        : scalar(0.75, 'float64');
      const loss = ops.reduceSum(ops.mul(ops.add(ops.mul(y, y), y), weights));
      const grads = gradients(loss, operands);
      const targets =
        name.includes('out_in') && name.startsWith('composite') ? { targets: int32([3], Int32Array.of(1, 4, 1)) } : {};
      const feeds = (vs: readonly Float64Array[]) =>
        Object.fromEntries(vs.map((v, i) => [`x${i}`, float64(shapes[i]!, v)]));
      const named = Object.fromEntries(grads.map((g, i) => [`g${i}`, g]));
      const backward = await compile(named);
      const analytic = await backward.run(prune({ ...feeds(values), ...targets }, backward.inputs));
      await backward.release();
      const forward = await compile({ loss });
      const lossAt = async (vs: readonly Float64Array[]) =>
        float64Data((await forward.run(prune({ ...feeds(vs), ...targets }, forward.inputs))).loss)[0]!;
      for (const [i, value] of values.entries()) {
        const got = float64Data(analytic[`g${i}`]!);
        expect(got.length).toBe(value.length);
        for (let j = 0; j < value.length; j++) {
          const moved = (by: number) => values.map((v, k) => (k === i ? v.map((e, l) => (l === j ? e + by : e)) : v));
          const numeric = ((await lossAt(moved(step))) - (await lossAt(moved(-step)))) / (2 * step);
          expect(Math.abs(got[j]! - numeric), `operand ${i}, element ${j}: ${got[j]} against ${numeric}`).toBeLessThan(
            1e-7 * Math.max(1, Math.abs(numeric)),
          );
        }
      }
      await forward.release();
    });
  }

  it('covers every differentiable op type', () => {
    const covered = Object.keys(cases).map((name) => name.split(/[ :]/)[0]);
    const missing = differentiableOps().filter((op) => op !== 'stopGradient' && !covered.includes(op));
    expect(missing).toEqual([]);
  });
});

/** Feeds without those that this graph does not depend on. */
function prune<T>(feeds: Record<string, T>, inputs: readonly Tensor[]): Record<string, T> {
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.some((x) => x.name === name)));
}

describe('gradients', () => {
  it('stop where they are told to, and add up over uses', async () => {
    const x = input('x', 'float64', [2]);
    const loss = ops.reduceSum(ops.add(ops.mul(x, ops.stopGradient(x)), ops.mul(x, 3)));
    const { g } = await evaluate({ g: gradients(loss, [x])[0]! }, { x: float64([2], Float64Array.of(5, 7)) });
    expect([...float64Data(g)]).toEqual([8, 10]);
  });

  it('name the tensor that the loss does not depend on', () => {
    const [x, y] = [input('x', 'float32', [2]), input('unrelated', 'float32', [2])];
    expect(() => gradients(ops.reduceSum(x), [y])).toThrow(/"unrelated"/);
  });

  it('refuse a loss of several elements', () => {
    const x = input('x', 'float32', [2]);
    expect(() => gradients(ops.mul(x, 2), [x])).toThrow(/one element/);
  });

  it('reach intermediate results', async () => {
    const x = input('x', 'float64', [2]);
    const middle = ops.mul(x, 2);
    const loss = ops.reduceSum(ops.mul(middle, middle));
    const { g } = await evaluate({ g: gradients(loss, [middle])[0]! }, { x: float64([2], Float64Array.of(1, 2)) });
    expect([...float64Data(g)]).toEqual([4, 8]);
  });
});
