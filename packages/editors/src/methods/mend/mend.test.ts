// MEND on random models: with networks that leave gradients as they are it is a step down the gradient; a batch is the sum of its edits.
import type { View } from '@errata/models';
import { describe, expect, it } from 'vitest';
import type { Artefacts } from '../../artefacts/builder.ts';

import { edit } from '../../edit.ts';
import { decodeTransform } from '../../hypernetworks/file.ts';
import { mlpMaps } from '../../hypernetworks/maps.ts';
import { identityTransform } from '../../hypernetworks/tiny.fixture.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyMend } from './tiny.fixture.ts';

leavesAloneWhatHolds('mend', tinyMend);

describe.each(families)('MEND on %s', (_family, config) => {
  async function setup() {
    const tiny = await tinySetup(config);
    const { model, inputOf } = tiny;
    const matrices = mlpMaps(model.spec, tinyMend.layers).map(({ matrix: { weight } }) => weight);
    const changeOf = async (count: readonly number[], overrides = {}, parent: View = model.view()) => {
      const asked = count.map((index) => someEdits[index]!);
      const { deltas, outcomes } = await edit('mend', { ...inputOf(tinyMend, asked, {}, parent), ...overrides });
      const after = parent.with(deltas.map(({ delta }) => delta));
      const change = matrices.flatMap((name) => [...after.weight(name)].map((w, i) => w - parent.weight(name)[i]!));
      return { deltas, outcomes, change, after };
    };
    const withRate = (rate: number): { readonly artefacts: Artefacts } => ({
      artefacts: {
        model: model.digest!,
        read: async <Value>() => decodeTransform(identityTransform('mend', model, tinyMend.layers, rate)) as Value,
      },
    });
    return { ...tiny, matrices, changeOf, withRate };
  }

  const norm = (x: readonly number[]) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

  it('untrained, is a step down the gradient: the loss falls by rate ||g||^2', async () => {
    const { changeOf, withRate } = await setup();
    const rate = 1e-4;
    const { change, outcomes } = await changeOf([1], withRate(rate));
    const { first_loss, last_loss } = appliedDiagnostics(outcomes[0]);
    const expected = norm(change) ** 2 / rate;
    expect((first_loss.nll - last_loss.nll) / expected).toBeCloseTo(1, 1);
  });

  it('adds what the edits of a batch ask for, each from the parent, in however many runs', async () => {
    const { changeOf } = await setup();
    const alone = await Promise.all([0, 1, 2].map((index) => changeOf([index])));
    const sum = alone[0]!.change.map((x, i) => x + alone[1]!.change[i]! + alone[2]!.change[i]!);
    const together = (await changeOf([0, 1, 2])).change;
    expect(norm(together.map((x, i) => x - sum[i]!)) / norm(sum)).toBeLessThan(1e-4);
  });

  it('changes every map of its layers, in the form that is smaller, and is taken back exactly', async () => {
    const { model, changeOf, matrices } = await setup();
    const { deltas, after } = await changeOf([0]);
    expect(deltas.map(({ delta }) => 'tensor' in delta && delta.tensor)).toEqual(matrices);
    expect(new Set(deltas.map(({ delta }) => delta.kind))).toEqual(new Set(['low_rank']));
    const many = await changeOf([0, 1, 2, 3, 4, 0, 1, 2, 3, 4].map((index) => index));
    expect(many.deltas.map(({ delta }) => delta.kind)).toContain('dense');
    const last = await changeOf([1], {}, after);
    expect(last.after.weightsDigest()).not.toBe(after.weightsDigest());
    expect(model.view(last.after.deltas.slice(0, deltas.length)).weightsDigest()).toBe(after.weightsDigest());
  });
});
