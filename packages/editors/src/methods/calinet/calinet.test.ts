// CaliNET on random models: one set of neurons for a batch, trained beside those that are there, and taken back exactly.
import type { NeuronsDelta } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyCaliNet } from './tiny.fixture.ts';

leavesAloneWhatHolds('calinet', { ...tinyCaliNet, steps: 5 });

describe.each(families)('CaliNET on %s', (_family, config) => {
  it('gives the edits of a batch neurons together, which a later batch is trained beside', async () => {
    const { model, inputOf } = await tinySetup(config);
    const { deltas, outcomes } = await edit('calinet', inputOf(tinyCaliNet, someEdits.slice(0, 3)));
    expect(deltas.map(({ custom_ids }) => custom_ids.length)).toEqual([3]);
    const first = deltas[0]!.delta as NeuronsDelta;
    expect(first.biases).toHaveLength(tinyCaliNet.neurons);
    for (const outcome of outcomes) {
      const { target_probability } = appliedDiagnostics(outcome);
      expect(target_probability.after).toBeGreaterThan(2 * target_probability.before);
    }
    const before = model.view([first]);
    const later = someEdits.slice(3);
    const behind = await edit('calinet', inputOf(tinyCaliNet, later, {}, before));
    const alone = await edit('calinet', inputOf(tinyCaliNet, later));
    expect(behind.deltas[0]!.delta).not.toEqual(alone.deltas[0]!.delta);
    const after = before.with([behind.deltas[0]!.delta]);
    expect(model.view(after.deltas.slice(0, 1)).weightsDigest()).toBe(before.weightsDigest());
  });
});
