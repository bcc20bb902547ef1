// Emission and execution: determinism, pruning, and errors that say where.

import { describe, expect, it } from 'vitest';
import { GraphError, graphErrorCodes } from './errors.ts';
import { gradients } from './gradients.ts';
import type { Node, Tensor } from './nodes.ts';
import { emitOnnx } from './onnx.ts';
import * as ops from './ops.ts';
import { compile, configureRuntime, evaluate, runtimeSettings, settingsFromEnvironment } from './program.ts';
import { constant, float32, float32Data, host, input, int32 } from './tensor.ts';

function small(): Record<string, Tensor> {
  const x = input('x', 'float32', ['R', 3]);
  const w = input('w', 'float32', [3, 3]);
  const loss = ops.reduceMean(ops.square(ops.gelu(ops.gemm(x, w), 'tanh')));
  return { loss, dw: gradients(loss, [w])[0]! };
}

describe('emission', () => {
  it('gives equal bytes for equal graphs', () => {
    expect(emitOnnx(small()).bytes).toEqual(emitOnnx(small()).bytes);
  });

  it('leaves out what the outputs do not depend on', () => {
    const x = input('x', 'float32', [2]);
    const unused = ops.exp(ops.add(x, input('unused', 'float32', [2])));
    expect(unused.dims).toEqual([2]);
    const { inputs, nodeCount } = emitOnnx({ y: ops.neg(x) });
    expect(inputs.map(({ name }) => name)).toEqual(['x']);
    expect(nodeCount).toBe(1);
  });

  it('makes no backward nodes for what is not asked for', () => {
    const [x, frozen, trained] = [
      input('x', 'float32', [4, 3]),
      input('a', 'float32', [3, 3]),
      input('b', 'float32', [3, 3]),
    ];
    const loss = ops.reduceSum(ops.gemm(ops.gemm(x, frozen), trained));
    const one = emitOnnx({ g: gradients(loss, [trained])[0]! }).nodeCount;
    const two = emitOnnx({ g: gradients(loss, [trained])[0]!, h: gradients(loss, [frozen])[0]! }).nodeCount;
    expect(two).toBeGreaterThan(one);
    // Only x·a and its product with the cotangent: no gradient of the frozen product.
    expect(one).toBeLessThanOrEqual(4);
  });

  it('names the node that depends on itself', () => {
    const y = ops.neg(input('x', 'float32', [2]));
    const source = y.source as { readonly node: Node };
    (source.node as { inputs: readonly Tensor[] }).inputs = [ops.exp(y)];
    expect(() => emitOnnx({ y })).toThrow(/^neg: the node depends on its own result/);
  });

  it('names the node whose size no input gives', () => {
    const y = ops.fill(1, ['N'], 'float32');
    expect(() => emitOnnx({ y })).toThrow(/expand: no input of the program has an axis of size N/);
  });

  it('refuses two inputs of one name, and an output named as an input', () => {
    const sum = ops.add(input('x', 'float32', [1]), input('x', 'float32', [1]));
    expect(() => emitOnnx({ y: sum })).toThrow(/"x" names two/);
    expect(() => emitOnnx({ x: ops.neg(input('x', 'float32', [1])) })).toThrow(/"x" names two/);
  });

  it('lets one value be several outputs, and inputs and constants be outputs', async () => {
    const x = input('x', 'float32', [1]);
    const y = ops.neg(x);
    const out = await evaluate(
      { a: y, b: y, c: x, d: constant('float32', [1], Float32Array.of(5)) },
      { x: float32([1], Float32Array.of(2)) },
    );
    expect([out.a, out.b, out.c, out.d].map((t) => float32Data(t)[0])).toEqual([-2, -2, 2, 5]);
  });
});

describe('running', () => {
  it('takes any sizes that agree, zero included', async () => {
    const [x, y] = [input('x', 'float32', ['R', 2]), input('y', 'float32', ['R', 1])];
    const program = await compile({ z: ops.mul(x, y) });
    for (const rows of [0, 1, 5]) {
      const out = await program.run({
        x: float32([rows, 2], new Float32Array(rows * 2).fill(2)),
        y: float32([rows, 1], new Float32Array(rows).fill(3)),
      });
      expect(out.z.dims).toEqual([rows, 2]);
      expect([...float32Data(out.z)]).toEqual(new Array(rows * 2).fill(6));
    }
    await program.release();
  });

  it('reads views into larger arrays where they begin', async () => {
    const whole = Float32Array.of(1, 2, 3, 4, 5);
    const { y } = await evaluate(
      { y: ops.mul(input('x', 'float32', [2]), 10) },
      { x: float32([2], whole.subarray(2, 4)) },
    );
    expect([...float32Data(y)]).toEqual([30, 40]);
  });

  it('names the feed that does not fit', async () => {
    const [x, y] = [input('x', 'float32', ['R', 2]), input('y', 'float32', ['R+1', 'R'])];
    const program = await compile({ z: ops.add(ops.reduceSum(x), ops.reduceSum(y)) });
    const good = { x: float32([3, 2], new Float32Array(6)), y: float32([4, 3], new Float32Array(12)) };
    await program.run(good);
    const bad = [
      [{ x: good.x }, /^y: is not fed/],
      [{ ...good, x: int32([3, 2], new Int32Array(6)) }, /^x: is float32, fed int32/],
      [
        { ...good, x: float32([6], new Float32Array(6)) },
        /^x: is fed another number of axes \(shapes \[R, 2\] \[6\]\)/,
      ],
      [{ ...good, x: float32([2, 3], new Float32Array(6)) }, /^y: R is 2 elsewhere|^x: axis 1 must be 2/],
      [{ ...good, y: float32([5, 3], new Float32Array(15)) }, /^y: axis 0 must be 4/],
      [{ ...good, y: { ...good.y, data: new Float32Array(2) } }, /^y: is fed 2 elements/],
      [{ ...good, extra: good.x }, /^extra: is not an input/],
    ] as const;
    for (const [feeds, says] of bad) await expect(program.run(feeds)).rejects.toThrow(says);
    await program.release();
    await program.release();
    await expect(program.run(good)).rejects.toMatchObject({ code: 'released' });
  });

  it('checks host tensors when they are made', () => {
    expect(() => host('int32', [2, 2], new Int32Array(3))).toThrow(/3 elements, its shape needs 4/);
    expect(() => float32Data(int32([1], new Int32Array(1)))).toThrow(/expected float32, got int32/);
  });
});

describe('settings', () => {
  it('come from the environment', () => {
    expect(settingsFromEnvironment({ ERRATA_PROVIDER: 'auto', ERRATA_THREADS: '3' })).toEqual({
      provider: 'auto',
      threads: 3,
    });
    expect(settingsFromEnvironment({}).provider).toBe('cpu');
    expect(() => settingsFromEnvironment({ ERRATA_PROVIDER: 'tpu' })).toThrow(
      /"tpu" is none of cpu, cuda, webgpu, auto/,
    );
    expect(() => settingsFromEnvironment({ ERRATA_THREADS: '0' })).toThrow(/"0" is not a number of threads/);
  });

  it('can be changed for later programs', async () => {
    const before = runtimeSettings();
    configureRuntime({ threads: 1 });
    expect(runtimeSettings()).toEqual({ ...before, threads: 1 });
    configureRuntime(before);
  });

  it('say which provider is missing, and fall back to the cpu when it is theirs to choose', async () => {
    const y = ops.neg(input('x', 'float32', [1]));
    const wanted = compile({ y }, { provider: 'cuda' });
    const cuda = await wanted.catch((error: unknown) => error);
    if (cuda instanceof GraphError) {
      expect(cuda.code).toBe('provider_unavailable');
      expect(cuda.message).toMatch(/cuda does not work on this machine/);
    } else expect(cuda).toMatchObject({ provider: 'cuda' });
    const program = await compile({ y }, { provider: 'auto' });
    const out = await program.run({ x: float32([1], Float32Array.of(4)) });
    expect(float32Data(out.y)[0]).toBe(-4);
    await program.release();
  });
});

describe('the error catalogue', () => {
  it('has no code twice', () => {
    expect(new Set(graphErrorCodes).size).toBe(graphErrorCodes.length);
    expect(graphErrorCodes).toHaveLength(14);
  });
});
