// MELO on random models: blocks answer their own prompts, no other prompt moves, and what is taken back is as it never was.
import type { LoraBlockDelta } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyMelo } from './tiny.fixture.ts';

leavesAloneWhatHolds('melo', { ...tinyMelo, steps: 5 });

describe.each(families)('MELO on %s', (_family, config) => {
  it('gives each few edits a block, which answers their prompts and leaves others their bits', async () => {
    const { model, inputOf } = await tinySetup(config);
    const { deltas, outcomes } = await edit('melo', inputOf(tinyMelo, someEdits));
    expect(deltas.map(({ custom_ids }) => custom_ids.length)).toEqual([2, 2, 1]);
    expect(deltas.map(({ delta }) => (delta as LoraBlockDelta).labels.length)).toEqual([2, 2, 1]);
    for (const outcome of outcomes) {
      const { target_probability } = appliedDiagnostics(outcome);
      expect(target_probability.after).toBeGreaterThan(2 * target_probability.before);
    }
    const view = model.view(deltas.map(({ delta }) => delta));
    const prompt = [[1, 2, 3]];
    expect(await view.nextLogits(prompt)).toEqual(await model.view().nextLogits(prompt));
    // A block does not depend on those before it: without the first, the others are as if it had never been made.
    const later = await edit('melo', inputOf(tinyMelo, someEdits.slice(4)));
    const without = model.view(deltas.slice(1).map(({ delta }) => delta));
    expect(without.with([later.deltas[0]!.delta]).weightsDigest()).not.toBe(view.weightsDigest());
    expect(view.deltas.slice(0, 1)).toEqual([deltas[0]!.delta]);
    expect(model.view(view.deltas.slice(0, 1)).weightsDigest()).toBe(model.view([deltas[0]!.delta]).weightsDigest());
  });
});

it('refuses blocks that stand before what says who gets one', async () => {
  const { inputOf } = await tinySetup();
  await expect(edit('melo', inputOf({ ...tinyMelo, targets: [1, 2] }, someEdits.slice(0, 1)))).rejects.toThrow();
});
