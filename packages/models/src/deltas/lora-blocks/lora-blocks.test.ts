// LoRA blocks: their bytes, the clusters in front of them, and which prompts get one.
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../files/safetensors.ts';
import { openTiny } from '../../tiny-models.fixture.ts';
import { decodeDelta, deltaDigest, encodeDelta, leftBeside, rowNamesOf } from '../index.ts';
import { decodeSnapshot, encodeSnapshot } from '../snapshots.ts';
import { memoryAt } from '../state.ts';
import { blocksName, type LoraBlockDelta, type LoraBlocks } from './blocks.ts';
import { blockNear, clustersOf } from './clusters.ts';

const model = await openTiny('gpt2-tied');
const { width, mlpWidth, layers } = model.spec;
const [layer, targets] = [0, [1]];
const wave = (size: number, at: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(at + i));
const key = async (ids: readonly number[]) =>
  (await model.view().activations([ids], [{ site: 'mlp_pre', layer }], 'last')).get(`mlp_pre.${layer}`)!;
const made = (points: Float32Array, start: number, more: Partial<LoraBlockDelta> = {}): LoraBlockDelta => ({
  kind: 'lora_block',
  layer,
  keySize: mlpWidth,
  targets,
  rank: 2,
  radius: 0.125,
  points,
  labels: [`${start}`],
  factors: targets.map((_, i) => ({ a: wave(width * 2, start + i), b: wave(2 * mlpWidth, 7 * start + i) })),
  ...more,
});

it('come back from their bytes and from a snapshot, and are refused where they do not fit', async () => {
  const [one, two] = [made(await key([1, 2, 3]), 1), made(await key([4, 5]), 2)];
  expect(decodeDelta(encodeDelta(one))).toEqual(one);
  expect(deltaDigest(one)).not.toBe(deltaDigest(two));
  const view = model.view([one, two]);
  const memory = memoryAt(view.memories, 'lora_blocks', blocksName(one))!;
  expect(decodeDelta(encodeDelta(memory))).toEqual(memory);
  const state = view.state();
  const bytes = Buffer.concat([...encodeSnapshot({ model: 'a', version: 'ver_b', state })]);
  expect(decodeSnapshot(parseSafetensors(bytes)).state).toEqual(state);
  expect(model.restore(state).weightsDigest()).toBe(view.weightsDigest());
  expect(leftBeside('lora_block')).toBe('LoRA blocks');
  const narrow = one.points.slice(1);
  for (const wrong of [{ layer: 1 }, { targets: [layers] }, { keySize: mlpWidth - 1, points: narrow }])
    expect(() => model.view([{ ...one, ...wrong }])).toThrow(expect.objectContaining({ code: 'delta_misfit' }));
  for (const wrong of [{ labels: [] }, { rank: 0 }, { radius: -1 }, { factors: [] }, { points: narrow }])
    expect(() => encodeDelta({ ...one, ...wrong })).toThrow(expect.objectContaining({ code: 'delta_malformed' }));
});

describe('the clusters', () => {
  const memory = (...points: readonly (readonly [x: number, label: string])[]): LoraBlocks => ({
    kind: 'lora_blocks',
    layer: 0,
    keySize: 1,
    targets: [1],
    blocks: points.map(([x, label]) => ({
      rank: 1,
      radius: 1,
      points: Float32Array.of(x),
      labels: [label],
      factors: [],
    })),
  });
  const told = (all: LoraBlocks) => clustersOf(all).map(({ center, radius }) => [center[0], Number(radius.toFixed(4))]);

  it('begin far from one another, grow around answers that agree, and end halfway to others', () => {
    expect(told(memory([0, '5'], [3, '5']))).toEqual([
      [0, 1],
      [3, 1],
    ]);
    expect(told(memory([0, '5'], [2, '5']))).toEqual([[1, 1]]);
    expect(told(memory([0, '5'], [1.5, '6']))).toEqual([
      [0, 0.75],
      [1.5, 0.75],
    ]);
  });

  it('forget points that a split leaves outside, and lead to the nearest that is left', () => {
    const split = memory([0, '5'], [2, '5'], [2.5, '6']);
    expect(clustersOf(split)[0]!.points).toEqual([]);
    expect(blockNear(split, Float32Array.of(1))).toBeNull();
    expect(blockNear(split, Float32Array.of(2.4))).toMatchObject({ block: 2 });
    const joined = memory([0, '5'], [1.5, '5']);
    expect([0.1, 1.4].map((x) => blockNear(joined, Float32Array.of(x))!.block)).toEqual([0, 1]);
    expect(blockNear(joined, Float32Array.of(5))).toBeNull();
  });
});

it('act on the tokens of prompts that come near, on each by itself, and on no other row', async () => {
  const prompts = [
    [1, 2, 3],
    [5, 4],
    [7, 8, 9],
  ] as const;
  const own = await Promise.all(prompts.slice(0, 2).map((ids, i) => key(ids).then((found) => made(found, i + 1))));
  const view = model.view(own);
  const [both, apart] = [
    await view.nextLogits(prompts),
    await Promise.all(prompts.map((ids) => view.nextLogits([ids]))),
  ];
  const parent = await model.view().nextLogits(prompts);
  expect(both[2]).toEqual(parent[2]);
  for (const i of [0, 1]) {
    expect(both[i]).not.toEqual(parent[i]);
    for (const [j, logit] of both[i]!.entries()) expect(logit).toBeCloseTo(apart[i]![0]![j]!, 4);
    expect(await view.speaking(prompts[i]!)).toMatchObject({ row: rowNamesOf(own[i]!)[0], threshold: 0.125 });
  }
  expect(await view.speaking(prompts[2])).toBeNull();
  // What a block adds to the first target, at every token of its prompt.
  const site = [
    { site: 'mlp_in', layer: 1 },
    { site: 'mlp_pre', layer: 1 },
  ] as const;
  const ids = [1, 2, 3, 6];
  const [before, after] = [
    await model.view().activations([prompts[0]], site, 'all'),
    await view.activations([prompts[0]], site, 'all'),
  ];
  const { a, b } = own[0]!.factors[0]!;
  for (let t = 0; t < 3; t++) {
    const x = before.get('mlp_in.1')!.subarray(t * width, (t + 1) * width);
    const inner = [0, 1].map((r) => x.reduce((sum, value, i) => sum + value * a[i * 2 + r]!, 0));
    for (let j = 0; j < mlpWidth; j++) {
      const expected = before.get('mlp_pre.1')![t * mlpWidth + j]! + inner[0]! * b[j]! + inner[1]! * b[mlpWidth + j]!;
      expect(after.get('mlp_pre.1')![t * mlpWidth + j]).toBeCloseTo(expected, 3);
    }
  }
  expect((await view.perplexity(ids)).meanNegativeLogProb).toBe(
    (await model.view().perplexity(ids)).meanNegativeLogProb,
  );
  const [written] = await view.generate([prompts[0]], { maxTokens: 2 });
  const [scored] = await view.score([{ prompt: prompts[0], target: written!.tokens }]);
  expect([...scored!.best]).toEqual([...written!.tokens]);
});
