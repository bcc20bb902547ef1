// KE on random models: a batch is the sum of its edits, each of which is read in words.
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import type { EditRequest } from '../../editor.ts';
import { mlpMaps } from '../../hypernetworks/maps.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyKe } from './tiny.fixture.ts';

leavesAloneWhatHolds('ke', tinyKe);

describe.each(families)('KE on %s', (_family, config) => {
  it('changes every map of its layers by the sum of what its edits ask for, in however many runs', async () => {
    const { model, inputOf } = await tinySetup(config);
    const matrices = mlpMaps(model.spec, tinyKe.layers).map(({ matrix: { weight } }) => weight);
    const base = model.view();
    const changeOf = async (edits: readonly EditRequest[]) => {
      const { deltas } = await edit('ke', inputOf(tinyKe, edits));
      expect(deltas.map(({ delta }) => 'tensor' in delta && delta.tensor)).toEqual(matrices);
      const after = base.with(deltas.map(({ delta }) => delta));
      return matrices.flatMap((name) => [...after.weight(name)].map((w, i) => w - base.weight(name)[i]!));
    };
    const norm = (x: readonly number[]) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
    const edits = someEdits.slice(0, 3);
    const alone = await Promise.all(edits.map((one) => changeOf([one])));
    const sum = alone[0]!.map((x, i) => x + alone[1]![i]! + alone[2]![i]!);
    const together = await changeOf(edits);
    expect(norm(together.map((x, i) => x - sum[i]!)) / norm(sum)).toBeLessThan(1e-3);
  });
});
