// PMET on random models of both families: what it writes, how layers share it, and its rules for ending a search.
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { trace } from '../../search/tracer.ts';
import { minus, norm } from '../../solve/vectors.ts';
import { editSequences } from '../../texts/sequences.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup, valueAt } from '../setups.fixture.ts';
import { tinyPmet } from './tiny.fixture.ts';

const exactly = { prefixes: [] as [number, number][], second_moment_weight: 1e-7 };

describe.each(families)('PMET on %s', (_family, config) => {
  it.each([
    [[1], 1],
    [[0, 1], Math.SQRT2],
    [[0, 1, 2], Math.sqrt(3)],
  ])(
    'gives the first of layers %j its part: what the output of the last lacks, divided by %f',
    async (layers, divisor) => {
      const { model, inputOf } = await tinySetup(config);
      const [one] = someEdits;
      const input = inputOf(tinyPmet, [one!], { ...exactly, layers });
      const { deltas, outcomes } = await edit('pmet', input);
      const { contexts } = editSequences(sequenceSource(input), one!, []);
      const before = model.view();
      const { keys } = (await trace(before, { recorded: [layers[0]!] }, contexts)).layers.get(layers[0]!)!;
      const after = before.with([deltas[0]!.delta]);
      const moved = norm(minus(valueAt(after, layers[0]!, keys), valueAt(before, layers[0]!, keys)));
      expect(moved * divisor).toBeCloseTo(appliedDiagnostics(outcomes[0]).value_norms!.offset, 3);
      expect(deltas).toHaveLength(layers.length);
    },
  );

  it('changes the matrices of MLPs alone', async () => {
    const { inputOf } = await tinySetup(config);
    const { deltas, outcomes } = await edit('pmet', inputOf(tinyPmet, someEdits.slice(0, 2)));
    for (const { delta } of deltas)
      expect(delta).toMatchObject({ kind: 'low_rank', tensor: expect.stringContaining('mlp') });
    for (const outcome of outcomes) {
      const { first_loss, last_loss } = appliedDiagnostics(outcome);
      expect(last_loss.total).toBeLessThan(first_loss.total);
    }
  });
});

it('has nothing to do where the target is the likeliest answer already, however unlikely', async () => {
  const { model, inputOf } = await tinySetup();
  const [one] = someEdits;
  const settings = { prefixes: [] as [number, number][] };
  const run = async (target_new: string) =>
    (await edit('pmet', inputOf(tinyPmet, [{ ...one!, target_new }], settings))).outcomes[0];
  const { tokenizer } = model;
  const [logits] = await model.view().nextLogits([tokenizer!.encode(one!.prompt)]);
  const likeliest = tokenizer!.decode([logits!.indexOf(Math.max(...logits!))]).trim();
  const held = await run(likeliest);
  expect(held).toMatchObject({ outcome: 'already_holds', diagnostics: { steps: 0 } });
  if (held?.outcome !== 'already_holds') throw new Error('applied');
  expect(held.diagnostics.first_loss.total).toBeGreaterThan(tinyPmet.stop_loss);
  expect(await run(one!.target_new)).toMatchObject({ outcome: 'applied' });
});

leavesAloneWhatHolds('pmet', tinyPmet);
