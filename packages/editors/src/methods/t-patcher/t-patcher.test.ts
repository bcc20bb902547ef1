// T-Patcher on random models: a neuron for every mistake, silent elsewhere, beside those of earlier edits, and taken back exactly.
import type { NeuronsDelta } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyTPatcher } from './tiny.fixture.ts';

leavesAloneWhatHolds('t-patcher', { ...tinyTPatcher, steps: 5, first_check: 5 });

const neuronsOf = ({ delta }: { readonly delta: object }) => delta as NeuronsDelta;

describe.each(families)('T-Patcher on %s', (_family, config) => {
  it('gives every token that the model does not say a neuron, until the answer is said', async () => {
    const { model, inputOf } = await tinySetup(config);
    const two = { ...someEdits[4]!, target_new: 'drums piano' };
    const { deltas, outcomes } = await edit('t-patcher', inputOf(tinyTPatcher, [someEdits[0]!, two]));
    expect(deltas.map((one) => neuronsOf(one).biases.length)).toEqual([1, 2]);
    for (const outcome of outcomes) {
      const { target_probability } = appliedDiagnostics(outcome);
      expect(target_probability.after).toBeGreaterThan(2 * target_probability.before);
    }
    const [limited] = (await edit('t-patcher', inputOf(tinyTPatcher, [two], { neurons: 1 }))).deltas;
    expect(neuronsOf(limited!).biases).toHaveLength(1);
    const first = model.view([deltas[0]!.delta]);
    expect(model.view(deltas.map(({ delta }) => delta)).weightsDigest()).not.toBe(first.weightsDigest());
  });

  it('is trained beside the neurons of earlier edits, which are taken back one by one', async () => {
    const { model, inputOf } = await tinySetup(config);
    const alone = await edit('t-patcher', inputOf(tinyTPatcher, [someEdits[1]!]));
    const earlier = neuronsOf((await edit('t-patcher', inputOf(tinyTPatcher, [someEdits[0]!]))).deltas[0]!);
    // So that they are heard elsewhere too.
    const before = model.view([{ ...earlier, biases: earlier.biases.map((bias) => bias + 20) }]);
    const behind = await edit('t-patcher', inputOf(tinyTPatcher, [someEdits[1]!], {}, before));
    expect(behind.deltas[0]!.delta).not.toEqual(alone.deltas[0]!.delta);
    const after = before.with([behind.deltas[0]!.delta]);
    expect(model.view(after.deltas.slice(0, 1)).weightsDigest()).toBe(before.weightsDigest());
  });

  it('with ReLU and a bias below what excites it elsewhere leaves other prompts their bits', async () => {
    const { model, inputOf } = await tinySetup(config);
    const { deltas } = await edit('t-patcher', inputOf(tinyTPatcher, [someEdits[0]!], { activation: 'relu' }));
    const neurons = neuronsOf(deltas[0]!);
    expect(neurons.activation).toBe('relu');
    const silent = { ...neurons, biases: neurons.biases.map(() => -1e4) };
    const prompt = [[1, 2, 3]];
    expect(await model.view([silent]).nextLogits(prompt)).toEqual(await model.view().nextLogits(prompt));
  });
});
