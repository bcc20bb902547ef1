// Values of the operators, and what they say to operands that do not fit.

import { describe, expect, it } from 'vitest';
import { linearCrossEntropy, rmsNorm } from './composites.ts';
import { GraphError } from './errors.ts';
import type { Tensor } from './nodes.ts';
import * as ops from './ops.ts';
import { evaluate } from './program.ts';
import { constant, float32, float32Data, float64, float64Data, input, int32Data, scope } from './tensor.ts';

const f32 = (dims: number[], ...values: number[]) => constant('float32', dims, Float32Array.from(values));
const i32 = (dims: number[], ...values: number[]) => constant('int32', dims, Int32Array.from(values));

async function elementsOf(tensor: Tensor): Promise<number[]> {
  const { y } = await evaluate({ y: tensor });
  return Array.from(tensor.dtype === 'int32' ? int32Data(y) : float32Data(y));
}

const values: Record<string, { readonly tensor: () => Tensor; readonly expected: readonly number[] }> = {
  'add broadcasts': {
    tensor: () => ops.add(f32([2, 1], 1, 2), f32([3], 10, 20, 30)),
    expected: [11, 21, 31, 12, 22, 32],
  },
  'sub takes numbers': { tensor: () => ops.sub(10, f32([2], 1, 2)), expected: [9, 8] },
  'silu at 0 and far out': { tensor: () => ops.silu(f32([3], -50, 0, 50)), expected: [-50 * Math.exp(-50), 0, 50] },
  'gelu tanh': {
    tensor: () => ops.gelu(f32([2], 1, -2), 'tanh'),
    expected: [1, -2].map((x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))),
  },
  'gelu erf': { tensor: () => ops.gelu(f32([2], 1, -2), 'erf'), expected: [0.8413447461, -0.0455002639] },
  'where and less': {
    tensor: () => ops.where(ops.less(f32([3], 1, 2, 3), 2), -1, f32([3], 7, 8, 9)),
    expected: [-1, 8, 9],
  },
  'lessOrEqual and equal': {
    tensor: () =>
      ops.add(
        ops.cast(ops.lessOrEqual(f32([3], 1, 2, 3), 2), 'float32'),
        ops.cast(ops.equal(f32([3], 1, 2, 3), 2), 'float32'),
      ),
    expected: [1, 2, 0],
  },
  cumSum: { tensor: () => ops.cumSum(f32([2, 3], 1, 2, 3, 4, 5, 6)), expected: [1, 3, 6, 4, 9, 15] },
  'cumSum in reverse': {
    tensor: () => ops.cumSum(f32([2, 3], 1, 2, 3, 4, 5, 6), true),
    expected: [6, 5, 3, 15, 11, 6],
  },
  'reduceMax, all axes': { tensor: () => ops.reduceMax(f32([2, 2], 1, 5, -3, 2)), expected: [5] },
  'argMax takes the first of equals': { tensor: () => ops.argMax(f32([2, 3], 1, 7, 7, 0, -1, -2)), expected: [1, 0] },
  'topK values': { tensor: () => ops.topK(f32([4], 3, 9, 1, 4), 2).values, expected: [9, 4] },
  'topK indices': { tensor: () => ops.topK(f32([4], 3, 9, 1, 4), 2).indices, expected: [1, 3] },
  'softmax of a masked row': { tensor: () => ops.softmax(f32([3], 1, 1, -1e9)), expected: [0.5, 0.5, 0] },
  gather: { tensor: () => ops.gather(f32([3, 2], 1, 2, 3, 4, 5, 6), i32([2], 2, 0)), expected: [5, 6, 1, 2] },
  'scatterElementsAdd adds repeated indices': {
    tensor: () => ops.scatterElementsAdd(ops.fill(0, [3], 'float32'), i32([4], 1, 1, 1, 2), f32([4], 1, 2, 3, 4), 0),
    expected: [0, 6, 4],
  },
  'scatterRows replaces': {
    tensor: () => ops.scatterRows(f32([3, 1], 1, 2, 3), i32([2], 2, 0), f32([2, 1], 8, 9)),
    expected: [9, 2, 8],
  },
  'pad and slice': { tensor: () => ops.slice(ops.pad(f32([2], 1, 2), 0, 1, 2), 0, 0, 4), expected: [0, 1, 2, 0] },
  transpose: { tensor: () => ops.transpose(f32([2, 3], 1, 2, 3, 4, 5, 6), [1, 0]), expected: [1, 4, 2, 5, 3, 6] },
  'reshape to and from nothing': {
    tensor: () => ops.concat([ops.reshape(f32([0, 3]), [3, 0]), f32([3, 1], 1, 2, 3)], 1),
    expected: [1, 2, 3],
  },
  rmsNorm: {
    tensor: () => rmsNorm(f32([1, 2], 3, 4), f32([2], 1, 2), 0),
    expected: [3 / Math.sqrt(12.5), 8 / Math.sqrt(12.5)],
  },
  layerNorm: { tensor: () => ops.layerNorm(f32([1, 2], 1, 3), f32([2], 2, 2), f32([2], 5, 5), 0), expected: [3, 7] },
};

describe('values', () => {
  for (const [name, { tensor, expected }] of Object.entries(values)) {
    it(name, async () => {
      const got = await elementsOf(tensor());
      expect(got.length).toBe(expected.length);
      for (const [i, e] of expected.entries()) expect(got[i]).toBeCloseTo(e, 5);
    });
  }

  it('of the error function in float64 are exact to rounding', async () => {
    const x = input('x', 'float64', [5]);
    const { y } = await evaluate({ y: ops.erf(x) }, { x: float64([5], Float64Array.of(-3, -0.5, 0, 1, 7)) });
    const expected = [-0.9999779095030014, -0.5204998778130465, 0, 0.8427007929497149, 1];
    for (const [i, e] of expected.entries()) expect(float64Data(y)[i]).toBeCloseTo(e, 14);
  });

  it('of symbolic shapes follow the fed sizes', async () => {
    const x = input('x', 'float32', ['B*T', 4]);
    const like = input('like', 'float32', ['B', 'T']);
    const y = ops.add(
      ops.transpose(ops.reshape(x, ['B', 'T', 2, 2]), [0, 2, 1, 3]),
      ops.reshape(like, ['B', 1, 'T', 1]),
    );
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const out = await evaluate({ y }, { x: float32([6, 4], data), like: float32([2, 3], new Float32Array(6)) });
    expect(out.y.dims).toEqual([2, 2, 3, 2]);
    expect([...float32Data(out.y)].slice(0, 6)).toEqual([0, 1, 4, 5, 8, 9]);
  });
});

describe('what does not fit', () => {
  const refusals: Record<string, { readonly make: () => unknown; readonly code: string; readonly says: RegExp }> = {
    'shapes that do not broadcast': {
      make: () => ops.add(f32([2], 1, 2), f32([3], 1, 2, 3)),
      code: 'shape_mismatch',
      says: /add: .*\[2\] \[3\]/,
    },
    'mixed types': {
      make: () => ops.mul(f32([1], 1), input('x', 'float64', [1])),
      code: 'dtype_mismatch',
      says: /float32 and float64/,
    },
    'inner sizes': {
      make: () => ops.gemm(f32([1, 2], 1, 2), f32([1, 2], 1, 2)),
      code: 'shape_mismatch',
      says: /inner sizes 2 and 1.*\[1, 2\] \[1, 2\]/,
    },
    'a bias of another size': {
      make: () => ops.gemm(f32([1, 1], 1), f32([1, 1], 1), { bias: f32([2], 1, 2) }),
      code: 'shape_mismatch',
      says: /bias/,
    },
    'symbols that differ': {
      make: () => ops.add(input('a', 'float32', ['T']), input('b', 'float32', ['S'])),
      code: 'shape_mismatch',
      says: /\[T\] \[S\]/,
    },
    'reshape to another size': {
      make: () => ops.reshape(input('x', 'float32', ['B', 6]), ['B', 5]),
      code: 'shape_mismatch',
      says: /cannot become \[B, 5\]/,
    },
    'an axis outside': { make: () => ops.concat([f32([1], 1), f32([1], 1)], 1), code: 'bad_argument', says: /axis 1/ },
    'not a permutation': {
      make: () => ops.transpose(f32([1, 1], 1), [0, 0]),
      code: 'bad_argument',
      says: /\[0, 0\] is not a permutation/,
    },
    'parts that do not add up': {
      make: () => ops.split(f32([3], 1, 2, 3), 0, [1, 1]),
      code: 'shape_mismatch',
      says: /\[1, 1\] do not add up/,
    },
    'a slice outside': { make: () => ops.slice(f32([3], 1, 2, 3), 0, 1, 4), code: 'bad_argument', says: /1 to 4/ },
    'float indices': { make: () => ops.gather(f32([1, 1], 1), f32([1], 0)), code: 'dtype_mismatch', says: /int32/ },
    'integers where floats are needed': {
      make: () => ops.exp(i32([1], 1)),
      code: 'dtype_mismatch',
      says: /exp: needs a float tensor/,
    },
    'a constant without its elements': {
      make: () => f32([3], 1),
      code: 'shape_mismatch',
      says: /1 elements, its shape needs 3/,
    },
    'a size that is not one': { make: () => input('x', 'float32', ['B-1']), code: 'bad_argument', says: /"B-1"/ },
    'a condition that is not bool': {
      make: () => ops.where(f32([1], 1), 1, f32([1], 1)),
      code: 'dtype_mismatch',
      says: /condition/,
    },
    'k beyond the axis': { make: () => ops.topK(f32([2], 1, 2), 3), code: 'bad_argument', says: /3 elements/ },
    'a norm of another width': {
      make: () => rmsNorm(f32([1, 2], 1, 2), f32([3], 1, 2, 3), 1e-5),
      code: 'shape_mismatch',
      says: /\[1, 2\] \[3\]/,
    },
    'targets of another number of rows': {
      make: () => linearCrossEntropy(f32([2, 1], 1, 2), f32([1, 3], 1, 2, 3), 'in_out', i32([1], 0), f32([2], 1, 1)),
      code: 'shape_mismatch',
      says: /one target and one weight a row/,
    },
  };
  for (const [name, { make, code, says }] of Object.entries(refusals)) {
    it(`is refused: ${name}`, () => {
      expect(make).toThrow(GraphError);
      expect(make).toThrow(expect.objectContaining({ code }) as never);
      expect(make).toThrow(says);
    });
  }

  it('is named with the scope it was made in', () => {
    const make = () => scope('layer 3', () => scope('mlp', () => ops.add(f32([2], 1, 2), f32([3], 1, 2, 3))));
    expect(make).toThrow(/^layer 3\/mlp\/add: /);
    expect(() => ops.add(f32([2], 1, 2), f32([3], 1, 2, 3))).toThrow(/^add: /);
  });
});
