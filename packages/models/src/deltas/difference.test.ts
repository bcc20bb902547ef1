// The difference of two versions has the norm, the rank and the codebook entries of the deltas between them.

import { afterAll, describe, expect, it } from 'vitest';
import { valueMatrix } from '../architectures/spec.ts';
import { openTiny, randomArray } from '../tiny-models.fixture.ts';
import type { CodebookDelta } from './codebook/rows.ts';
import { compareVersions, numericalRank } from './difference.ts';
import type { Delta } from './index.ts';
import type { LowRankDelta } from './low-rank.ts';

const models = { in_out: await openTiny('gpt2-tied'), out_in: await openTiny('llama-grouped') };
afterAll(() => Promise.all(Object.values(models).map((model) => model.release())));

describe.each(Object.entries(models))('of a model whose matrices lie %s', (_, model) => {
  const base = model.view();
  const { weight, inSize, outSize } = valueMatrix(model.spec, 1);
  const lowRank = (seed: number, rank = 1): LowRankDelta => ({
    kind: 'low_rank',
    tensor: weight,
    rank,
    left: randomArray(inSize * rank, seed, 0.1),
    right: randomArray(rank * outSize, seed + 1, 0.1),
  });
  const rankOf = (deltas: readonly Delta[], from = base) =>
    compareVersions(from, base.with(deltas), { steps: deltas.length }).tensors[0]?.rank;

  it('a rank-one edit changes one matrix by rank one and by its own norm', () => {
    const delta = lowRank(3);
    const { tensors, memories } = compareVersions(base, base.with([delta]));
    expect(memories).toEqual([]);
    expect(tensors).toHaveLength(1);
    const norm = Math.sqrt(squares(delta.left) * squares(delta.right));
    expect(tensors[0]).toMatchObject({ tensor: weight, rank: { value: 1, atLeast: false } });
    expect(tensors[0]?.norm).toBeCloseTo(norm, 5);
    expect(tensors[0]?.relative).toBeCloseTo(norm / Math.sqrt(squares(base.weight(weight))), 5);
    expect(tensors[0]?.largest).toBeLessThanOrEqual(norm);
  });

  it('ranks add up until they fill the matrix; what was added and is taken away again leaves nothing', () => {
    const deltas = [1, 2, 3, 4, 5].map((n) => lowRank(10 * n));
    expect(rankOf(deltas)).toEqual({ value: 5, atLeast: false });
    expect(rankOf([...deltas, lowRank(100, 3)])).toEqual({ value: 8, atLeast: false });
    const huge = lowRank(50);
    expect(rankOf([{ ...huge, left: huge.left.map((x) => 1000 * x) }]), 'far larger than the weights').toEqual({
      value: 1,
      atLeast: false,
    });
    expect(rankOf([deltas[0]!, { ...deltas[0]!, right: deltas[0]!.right.map((x) => 2 * x) }])?.value).toBe(1);
    expect(rankOf(deltas, base.with(deltas.slice(0, 3)))).toEqual({ value: 2, atLeast: false });
    const full = Math.min(inSize, outSize);
    expect(rankOf([lowRank(7, full + 4)])).toEqual({ value: full, atLeast: false });
    expect(compareVersions(base.with(deltas), base.with(deltas))).toEqual({ tensors: [], memories: [] });
  });

  it('dense changes are of full rank, of vectors there is none, and the larger change comes first', () => {
    const vector = [...model.spec.parameters].find(([, shape]) => shape.length === 1)![0];
    const size = model.spec.parameters.get(vector)!.reduce((a, b) => a * b, 1);
    const changes: Delta[] = [
      { kind: 'dense', tensor: vector, data: randomArray(size, 5, 1) },
      { kind: 'dense', tensor: weight, data: randomArray(inSize * outSize, 6, 0.001) },
    ];
    const { tensors } = compareVersions(base, base.with(changes));
    expect(tensors.map(({ tensor, rank }) => [tensor, rank])).toEqual([
      [vector, null],
      [weight, { value: Math.min(inSize, outSize), atLeast: false }],
    ]);
    const capped = compareVersions(base, base.with(changes), { mostRank: 3 });
    expect(capped.tensors[1]?.rank).toEqual({ value: 3, atLeast: true });
  });

  it('counts the entries of a codebook that came, went and stayed', () => {
    const { width, mlpWidth } = model.spec;
    const book = (...seeds: number[]): CodebookDelta => ({
      kind: 'codebook',
      site: 'mlp_out',
      layer: 0,
      keySize: mlpWidth,
      valueSize: width,
      keys: Float32Array.from(seeds.flatMap((seed) => [...randomArray(mlpWidth, seed, 1)])),
      values: Float32Array.from(seeds.flatMap((seed) => [...randomArray(width, seed, 1)])),
      radii: Float32Array.from(seeds),
      labels: seeds.map(String),
      replacements: seeds.map(() => 'last'),
    });
    const [one, two] = [base.with([book(1, 2, 3)]), base.with([book(2, 3, 4, 5)])];
    expect(compareVersions(one, two)).toEqual({
      tensors: [],
      memories: [{ kind: 'codebook', place: 'mlp_out 0', added: 2, removed: 1, kept: 2 }],
    });
    expect(compareVersions(base, one).memories).toMatchObject([{ added: 3, removed: 0, kept: 0 }]);
    expect(compareVersions(one, base.with([book(3, 1, 2)])).memories, 'their order is nothing').toEqual([]);
  });
});

it('the rank of what is no more than noise is zero', () => {
  expect(numericalRank(randomArray(64, 1, 1e-9), 8, 8, 1e-7, 8)).toEqual({ value: 0, atLeast: false });
  expect(numericalRank(new Float32Array(64), 8, 8, 0, 8)).toEqual({ value: 0, atLeast: false });
});

function squares(data: Float32Array): number {
  return data.reduce((sum, x) => sum + x * x, 0);
}
