// Side memories: their bytes, how edits add up and shards merge, and who is answered by them, wherever a version is asked.
import { describe, expect, it } from 'vitest';
import { valueMatrix } from '../../architectures/spec.ts';
import { parseSafetensors } from '../../files/safetensors.ts';
import { openTiny } from '../../tiny-models.fixture.ts';
import { decodeDelta, deltaDigest, encodeDelta, leftBeside } from '../index.ts';
import { decodeSnapshot, encodeSnapshot } from '../snapshots.ts';
import { memoryAt } from '../state.ts';
import { type SideChangeDelta, sideName } from './sides.ts';
import { denseOf, gapsBetween, mergeByTies, placesOf } from './sparse.ts';

const model = await openTiny('gpt2-tied');
const layer = 1;
const { inSize, outSize } = valueMatrix(model.spec, layer);
const { activation } = model.spec.blocks[layer]!.mlp;
const places = Array.from({ length: Math.floor((inSize * outSize) / 3) }, (_, i) => 3 * i + (i % 2));
const made = (start: number, more: Partial<SideChangeDelta> = {}): SideChangeDelta => ({
  kind: 'side_change',
  layer,
  activation,
  inSize,
  outSize,
  shard: 0,
  gaps: gapsBetween(places),
  values: Float32Array.from(places, (_, i) => Math.sin(start + i)),
  threshold: 0,
  merged: [],
  density: 0.5,
  ...more,
});
const sidesOf = (view: ReturnType<typeof model.view>) =>
  memoryAt(view.memories, 'side_memory', sideName({ layer, activation }))!.sides;

describe('side memories', () => {
  it('come back from their bytes and from a snapshot, and edits of a shard add up, with the least threshold', () => {
    const [one, two] = [made(0, { threshold: 3 }), made(5, { threshold: 2 })];
    expect(decodeDelta(encodeDelta(one))).toEqual(one);
    expect(deltaDigest(one)).not.toBe(deltaDigest(two));
    const view = model.view([one, two, made(9, { shard: 1, threshold: 7 })]);
    const [first, second] = sidesOf(view);
    expect(first).toMatchObject({ shard: 0, edits: 2, threshold: 2 });
    expect(first!.values).toEqual(one.values.map((value, i) => value + two.values[i]!));
    expect(second).toMatchObject({ shard: 1, edits: 1, threshold: 7 });
    const whole = memoryAt(view.memories, 'side_memory', sideName({ layer, activation }))!;
    expect(decodeDelta(encodeDelta(whole))).toEqual(whole);
    const state = view.state();
    const bytes = Buffer.concat([...encodeSnapshot({ model: 'a', version: 'ver_b', state })]);
    expect(decodeSnapshot(parseSafetensors(bytes)).state).toEqual(state);
    expect(model.restore(state).weightsDigest()).toBe(view.weightsDigest());
    expect(leftBeside('side_change')).toBe('a side memory');
  });

  it('add up elements at different places too', () => {
    const [a, b] = [made(0), made(1, { gaps: Float32Array.of(1, 4), values: Float32Array.of(2, 3) })];
    const [side] = sidesOf(model.view([a, b]));
    const expected = denseOf(a, inSize * outSize);
    expected[1]! += 2;
    expected[5]! += 3;
    expect(denseOf(side!, inSize * outSize)).toEqual(expected);
  });

  it('are merged by TIES: the largest stay, and the sign that weighs more', () => {
    const of = (...values: number[]) => ({
      gaps: gapsBetween([...values.keys()]),
      values: Float32Array.from(values),
    });
    const merged = mergeByTies([of(4, -3, 1, 2), of(2, 5, -1, 0.5)], 4, 0.75);
    expect(Object.fromEntries([...placesOf(merged)].map((place, i) => [place, merged.values[i]]))).toEqual({
      0: 3,
      1: 5,
      2: -1,
      3: 2,
    });
    const view = model.view([made(0, { threshold: 4 }), made(2, { shard: 1, threshold: 3, merged: [0, 1] })]);
    expect(sidesOf(view)).toMatchObject([{ shard: 1, edits: 2, threshold: 3 }]);
    expect(sidesOf(view)[0]!.values).toEqual(mergeByTies([made(0), made(2)], inSize * outSize, 0.5).values);
  });

  it('are refused where they fit no layer, or lead outside the matrix', () => {
    for (const wrong of [{ layer: model.spec.layers }, { inSize: inSize + 1 }])
      expect(() => model.view([made(0, wrong)])).toThrow(expect.objectContaining({ code: 'delta_misfit' }));
    const far = Float32Array.from(places, (_, i) => (i === 0 ? inSize * outSize : 1));
    const twice = Float32Array.from(places, () => 0);
    for (const wrong of [
      { gaps: far },
      { gaps: twice },
      { values: new Float32Array(1) },
      { threshold: -1 },
      { density: 0 },
    ])
      expect(() => encodeDelta(made(0, wrong))).toThrow(expect.objectContaining({ code: 'delta_malformed' }));
  });
});

/** ||f(x (W + D)) - f(x W)|| of every token of a sequence. */
async function differencesOf(ids: readonly number[], delta: SideChangeDelta): Promise<readonly number[]> {
  const view = model.view();
  const sites = [
    { site: 'mlp_key', layer },
    { site: 'mlp_out', layer },
  ] as const;
  const found = await view.activations([ids], sites, 'all');
  const [keys, outputs] = [found.get(`mlp_key.${layer}`)!, found.get(`mlp_out.${layer}`)!];
  const change = denseOf(delta, inSize * outSize);
  const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  return ids.map((_, t) => {
    let squared = 0;
    for (let j = 0; j < outSize; j++) {
      const before = outputs[t * outSize + j]!;
      let after = before;
      for (let i = 0; i < inSize; i++) after += keys[t * inSize + i]! * change[i * outSize + j]!;
      squared += (gelu(after) - gelu(before)) ** 2;
    }
    return Math.sqrt(squared);
  });
}

describe('the router', () => {
  const prompts = [
    [1, 2, 3],
    [5, 4],
  ];
  const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b) / numbers.length;

  it('answers a prompt by the mean over its tokens: above the threshold as a model with the side matrix, else with the bits of the parent', async () => {
    const means = await Promise.all(prompts.map(async (prompt) => mean(await differencesOf(prompt, made(0)))));
    const [high, low] = means[0]! > means[1]! ? [0, 1] : [1, 0];
    const threshold = Math.fround((means[0]! + means[1]!) / 2);
    const view = model.view([made(0, { threshold })]);
    const [parent, asked] = [await model.view().nextLogits(prompts), await view.nextLogits(prompts)];
    expect(asked[low]).toEqual(parent[low]);
    expect(asked[high]).not.toEqual(parent[high]);
    const tensor = valueMatrix(model.spec, layer).weight;
    const weights = model.view([{ kind: 'dense', tensor, data: denseOf(made(0), inSize * outSize) }]);
    const [whole] = await weights.nextLogits([prompts[high]!]);
    for (const [i, logit] of asked[high]!.entries()) expect(logit).toBeCloseTo(whole![i]!, 4);
    // Alone as in company, and generated as scored.
    expect((await view.nextLogits([prompts[high]!]))[0]).toEqual(asked[high]);
    const written = await view.generate(prompts, { maxTokens: 3 });
    for (const [index, prompt] of prompts.entries()) {
      const { tokens } = written[index]!;
      const [scored] = await view.score([{ prompt, target: tokens }]);
      expect([...scored!.best]).toEqual([...tokens]);
    }
  });

  it('hears every token of a text without a prompt by itself', async () => {
    const text = [1, 2, 3, 4, 5];
    const differences = await differencesOf(text, made(0));
    const ppl = async (threshold: number) =>
      (await model.view([made(0, { threshold })]).perplexity(text)).meanNegativeLogProb;
    const parent = (await model.view().perplexity(text)).meanNegativeLogProb;
    expect(await ppl(Math.max(...differences) * 1.01)).toBe(parent);
    expect(await ppl(Math.min(...differences.slice(0, -1)) * 0.99)).not.toBe(parent);
  });

  it('gives the side whose outputs differ most, of those above their own thresholds', async () => {
    const small = made(0);
    const large = made(3, { shard: 1, values: made(3).values.map((value) => 2 * value) });
    const [prompt] = prompts;
    const ask = async (deltas: readonly SideChangeDelta[]) => (await model.view(deltas).nextLogits([prompt!]))[0]!;
    expect(await ask([small, large])).toEqual(await ask([large]));
    const bound = mean(await differencesOf(prompt!, large));
    expect(await ask([small, { ...large, threshold: 1.01 * bound }])).toEqual(await ask([small]));
  });
});
