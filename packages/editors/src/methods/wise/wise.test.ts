// WISE on random models: what follows from its equations, of masks, thresholds, shards and the router.
import { denseOf, memoryAt, placesOf, type SideChangeDelta, sideName, type View } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyWise } from './tiny.fixture.ts';

leavesAloneWhatHolds('wise', { ...tinyWise, steps: 5 });

const changeOf = ({ delta }: { readonly delta: object }) => delta as SideChangeDelta;
const sidesOf = (view: View) => {
  const { layer } = tinyWise;
  const { activation } = view.spec.blocks[layer]!.mlp;
  return memoryAt(view.memories, 'side_memory', sideName({ layer, activation }))!.sides;
};

describe.each(families)('WISE on %s', (_family, config) => {
  it('writes answers that are given, in elements of the mask alone, within the bound, and leaves other prompts their bits', async () => {
    const { model, inputOf } = await tinySetup(config);
    const input = inputOf(tinyWise, someEdits.slice(0, 2));
    const { deltas, outcomes } = await edit('wise', input);
    for (const outcome of outcomes) {
      const { target_probability } = appliedDiagnostics(outcome);
      expect(target_probability.after).toBeGreaterThan(2 * target_probability.before);
    }
    const [one, two] = deltas.map(changeOf);
    expect(two!.gaps).toEqual(one!.gaps);
    const size = one!.inSize * one!.outSize;
    expect(placesOf(one!).length / size).toBeCloseTo(tinyWise.mask_ratio, 1);
    const view = model.view(deltas.map(({ delta }) => delta));
    const [side] = sidesOf(view);
    expect(Math.max(...denseOf(side!, size).map(Math.abs))).toBeLessThanOrEqual(tinyWise.norm_constraint * (1 + 1e-6));
    expect(side!.threshold).toBeLessThanOrEqual(one!.threshold);
    const deaf = model.view([{ ...one!, threshold: 1e6 }]);
    const prompt = [[1, 2, 3]];
    expect(await deaf.nextLogits(prompt)).toEqual(await model.view().nextLogits(prompt));
    // Taken back one by one.
    expect(model.view(view.deltas.slice(0, 1)).weightsDigest()).toBe(model.view([one!]).weightsDigest());
    expect(model.view([]).weightsDigest()).toBe(model.view().weightsDigest());
  });
});

it('goes on with a shard until it is full, in later batches too, and merges full ones', async () => {
  const { model, inputOf } = await tinySetup();
  const settings = { ...tinyWise, steps: 4, shard_size: 2, merge_shards: 2 };
  let view = model.view();
  const shards: number[] = [];
  for (const edits of [someEdits.slice(0, 1), someEdits.slice(1, 4), someEdits.slice(4)]) {
    const { deltas } = await edit('wise', inputOf(settings, edits, {}, view));
    shards.push(...deltas.map((each) => changeOf(each).shard));
    view = view.with(deltas.map(({ delta }) => delta));
    if (edits.length === 1) expect(sidesOf(view)).toHaveLength(shards.length === 1 ? 1 : 2);
  }
  expect(shards).toEqual([0, 0, 1, 1, 2]);
  expect(sidesOf(view)).toMatchObject([
    { shard: 1, edits: 4 },
    { shard: 2, edits: 1 },
  ]);
  const apart = await edit('wise', inputOf({ ...settings, merge_shards: null }, someEdits));
  expect(sidesOf(model.view(apart.deltas.map(({ delta }) => delta)))).toHaveLength(3);
  const [first, second] = apart.deltas.map(changeOf).filter(({ shard }, i, all) => shard !== all[i - 1]?.shard);
  expect(first!.gaps).not.toEqual(second!.gaps);
});
