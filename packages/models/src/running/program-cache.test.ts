// The program cache: one compilation a key, bounded, and never in the way of a program in use.

import { add, float32, float32Data, gather, input, int32, mul } from '@errata/graph';
import { describe, expect, it } from 'vitest';
import { decoderSpec } from '../architectures/index.ts';
import { randomArray } from '../tiny-models.fixture.ts';
import { makeProgramCache, type WeightSource } from './program-cache.ts';

const spec = decoderSpec({
  model_type: 'gpt2',
  vocab_size: 8,
  n_positions: 4,
  n_embd: 4,
  n_layer: 1,
  n_head: 1,
} as never);
const base = (name: string) =>
  randomArray(
    spec.parameters.get(name)!.reduce((a, b) => a * b, 1),
    name.length,
    1,
  );
const norm = 'transformer.ln_f.weight';
const feeds = { x: float32([4], Float32Array.of(1, 2, 3, 4)) };

function scaling(factor: number, counter: { built: number }) {
  return (weight: WeightSource) => {
    counter.built++;
    return { y: mul(add(input('x', 'float32', [4]), weight(norm)), factor) };
  };
}

describe('program cache', () => {
  it('compiles a key once, and again for another set of inputs', async () => {
    const cache = makeProgramCache(spec, base, { programs: 4, bytes: 1e6, storeMatrices: true });
    const counter = { built: 0 };
    const [a, b] = await Promise.all([
      cache.get('k', new Set(), scaling(2, counter)),
      cache.get('k', new Set(), scaling(2, counter)),
    ]);
    expect(counter.built).toBe(1);
    const other = await cache.get('k', new Set([norm]), scaling(2, counter));
    expect(counter.built).toBe(2);
    expect(a.takes(norm)).toBe(false);
    expect(other.takes(norm)).toBe(true);
    const stored = float32Data((await b.run(feeds, base)).y!);
    expect(float32Data((await other.run(feeds, base)).y!)).toEqual(stored);
    const swapped = await other.run(feeds, () => new Float32Array(4));
    expect([...float32Data(swapped.y!)]).toEqual([2, 4, 6, 8]);
    await cache.release();
  });

  it('lets the least recently used go, and makes it again when it is run', async () => {
    const cache = makeProgramCache(spec, base, { programs: 2, bytes: 1e6, storeMatrices: true });
    const counters = [1, 2, 3].map(() => ({ built: 0 }));
    const programs = [];
    for (const [i, counter] of counters.entries())
      programs.push(await cache.get(`k${i}`, new Set(), scaling(i + 1, counter)));
    const first = float32Data((await programs[0]!.run(feeds, base)).y!);
    const third = float32Data((await programs[2]!.run(feeds, base)).y!);
    expect(third[0]).toBeCloseTo(3 * first[0]!, 5);
    expect(counters.map(({ built }) => built)).toEqual([2, 1, 1]);
    await cache.release();
  });

  it('feeds every matrix where none is stored, so that versions share a program whatever they changed', async () => {
    const cache = makeProgramCache(spec, base, { programs: 2, bytes: 1e6, storeMatrices: false });
    const counter = { built: 0 };
    const matrix = 'transformer.wpe.weight';
    const build = (weight: WeightSource) => {
      counter.built++;
      return { y: add(gather(weight(matrix), input('row', 'int32', ['R'])), weight(norm)) };
    };
    const programs = [await cache.get('k', new Set(), build), await cache.get('k', new Set([matrix]), build)];
    expect(counter.built).toBe(1);
    expect(programs.map(({ takes }) => [takes(matrix), takes(norm)])).toEqual([
      [true, false],
      [true, false],
    ]);
    const row = { row: int32([1], Int32Array.of(2)) };
    const sum = base(matrix)
      .slice(8, 12)
      .map((x, i) => x + base(norm)[i]!);
    expect(float32Data((await programs[0]!.run(row, base)).y!)).toEqual(sum);
    await cache.release();
  });

  it('forgets a program that did not compile', async () => {
    const cache = makeProgramCache(spec, base, { programs: 2, bytes: 1e6, storeMatrices: true });
    const broken = () => cache.get('k', new Set(), (weight) => ({ y: weight('no such weight') }));
    await expect(broken()).rejects.toThrow(/no parameter "no such weight"/);
    const program = await cache.get('k', new Set(), scaling(1, { built: 0 }));
    expect((await program.run(feeds, base)).y!.dims).toEqual([4]);
    await cache.release();
    await expect(program.run(feeds, base)).rejects.toMatchObject({ code: 'released' });
  });
});
