// MALMEN on random models: what it changes, and that a batch is one system, whatever its order and runs.
import { valueMatrix } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyMalmen } from './tiny.fixture.ts';

leavesAloneWhatHolds('malmen', tinyMalmen);

describe.each(families)('MALMEN on %s', (_family, config) => {
  it('changes the last map of its layers, the same in any order and runs', async () => {
    const { model, inputOf } = await tinySetup(config);
    const matrices = tinyMalmen.layers.map((layer) => valueMatrix(model.spec, layer).weight);
    const base = model.view();
    const made = async (edits: typeof someEdits, overrides = {}) => {
      const { deltas, outcomes } = await edit('malmen', inputOf(tinyMalmen, edits, overrides));
      const after = base.with(deltas.map(({ delta }) => delta));
      const change = matrices.flatMap((name) => [...after.weight(name)].map((w, i) => w - base.weight(name)[i]!));
      return { deltas, outcomes, change };
    };
    const norm = (x: readonly number[]) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
    const apart = (a: readonly number[], b: readonly number[]) => norm(a.map((x, i) => x - b[i]!)) / norm(b);

    const { deltas, outcomes, change } = await made(someEdits);
    expect(deltas.map(({ delta }) => 'tensor' in delta && delta.tensor)).toEqual(matrices);
    for (const outcome of outcomes) {
      const { first_loss, last_loss } = appliedDiagnostics(outcome);
      expect(last_loss.nll).toBeLessThan(first_loss.nll);
    }
    expect(apart((await made([...someEdits].reverse(), { batch_size: 5 })).change, change)).toBeLessThan(1e-4);
    const [first, second] = [await made(someEdits.slice(0, 2)), await made(someEdits.slice(2))];
    const sum = first.change.map((x, i) => x + second.change[i]!);
    expect(apart(sum, change)).toBeGreaterThan(1e-2);
  });
});
