// FT-M and FT-L on random models: the bound, the objectives, and that training trains.
import { deltaDigest } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { layOutEdit } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { tuneTargets } from '../../training/targets.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyFtAttn, tinyFtFull, tinyFtL, tinyFtM } from './tiny.fixture.ts';

const both = [
  ['ft-m', tinyFtM],
  ['ft-l', tinyFtL],
] as const;

for (const [name, settings] of both) leavesAloneWhatHolds(name, settings);
leavesAloneWhatHolds('ft-attn', tinyFtAttn);
leavesAloneWhatHolds('ft-full', { ...tinyFtFull, epochs: 10 });

describe.each(families)('fine-tuning on %s', (_family, config) => {
  it('FT-M raises the probability of every target, in one dense delta', async () => {
    const { inputOf } = await tinySetup(config);
    const { deltas, outcomes } = await edit('ft-m', inputOf(tinyFtM, someEdits));
    expect(deltas.map(({ delta, custom_ids }) => [delta.kind, custom_ids.length])).toEqual([
      ['dense', someEdits.length],
    ]);
    for (const outcome of outcomes) {
      const { target_probability, first_loss, last_loss } = appliedDiagnostics(outcome);
      expect(target_probability.after).toBeGreaterThan(3 * target_probability.before);
      expect(last_loss.nll).toBeLessThan(first_loss.nll);
    }
  });

  it('FT-L keeps every weight within its bound', async () => {
    const { model, inputOf } = await tinySetup(config);
    const bound = tinyFtL.norm_constraint!;
    const { deltas } = await edit('ft-l', inputOf(tinyFtL, someEdits));
    const { delta } = deltas[0]!;
    if (delta.kind !== 'dense') throw new Error(delta.kind);
    expect(Math.max(...delta.data.map(Math.abs))).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(Math.max(...delta.data.map(Math.abs))).toBeGreaterThan(0.9 * bound);
    const after = model.view([delta]).weight(delta.tensor);
    const before = model.view().weight(delta.tensor);
    for (const [i, w] of after.entries()) expect(Math.abs(w - before[i]!)).toBeLessThanOrEqual(bound * (1 + 1e-4));
  });
});

describe.each(families)('fine-tuning layers of %s', (_family, config) => {
  it('changes the matrices that are chosen, in their layers alone, and keeps FT-attn within its bound', async () => {
    const { model, inputOf } = await tinySetup(config);
    const { projections, attentionOutput, mlp } = model.spec.blocks[1]!;
    const queries =
      projections.kind === 'fused' ? [projections.matrix] : [projections.query, projections.key, projections.value];
    const changedBy = async (name: 'ft-attn' | 'ft-full', input: Parameters<typeof edit>[1]) => {
      const { deltas, outcomes } = await edit(name, input);
      for (const outcome of outcomes) {
        const { target_probability } = appliedDiagnostics(outcome);
        expect(target_probability.after).toBeGreaterThan(target_probability.before);
      }
      return deltas.map(({ delta }) => (delta.kind === 'dense' ? delta : expect.fail(delta.kind)));
    };
    const attended = await changedBy('ft-attn', inputOf(tinyFtAttn, someEdits));
    expect(attended.map(({ tensor }) => tensor)).toEqual(queries.map(({ weight }) => weight));
    for (const { data } of attended) expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(0.1 * (1 + 1e-6));
    const all = await changedBy('ft-full', inputOf(tinyFtFull, someEdits, { layers: [1] }));
    const inputs = mlp.kind === 'gated' ? [mlp.gate, mlp.up] : mlp.kind === 'plain' ? [mlp.input] : [mlp.gateUp];
    expect(all.map(({ tensor }) => tensor)).toEqual(
      [...queries, attentionOutput, ...inputs, mlp.output].map(({ weight }) => weight),
    );
    const everywhere = await changedBy(
      'ft-full',
      inputOf(tinyFtFull, someEdits.slice(0, 1), { layers: null, epochs: 3 }),
    );
    expect(everywhere).toHaveLength(model.spec.layers * all.length);
  });
});

describe('the objectives', () => {
  const twoTokens = (target_new: string) => ({ ...someEdits[0]!, target_new });

  it('prompt_last reads every target token at the last prompt position', async () => {
    const { model } = await tinySetup();
    const { sequence } = layOutEdit(sequenceSource({ model }), twoTokens('drums piano'));
    const { targetStart } = sequence;
    expect(tuneTargets([sequence], 9, 'prompt_last').rows).toEqual([targetStart, targetStart]);
    expect(tuneTargets([sequence], 9, 'target_new').rows).toEqual([targetStart, targetStart + 1]);
  });

  it('prompt_last cannot tell the order of target tokens; target_new can', async () => {
    const { inputOf } = await tinySetup();
    const train = async (name: 'ft-l' | 'ft-m', target: string) => {
      // A padding token after the target would be the only difference left; the last token is never read.
      const { deltas } = await edit(
        name,
        inputOf(name === 'ft-l' ? tinyFtL : tinyFtM, [twoTokens(target)], { epochs: 1 }),
      );
      const { delta } = deltas[0]!;
      if (delta.kind !== 'dense') throw new Error(delta.kind);
      return delta.data;
    };
    const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((x, i) => x - b[i]!));
    const [one, other] = [await train('ft-l', 'drums piano'), await train('ft-l', 'piano drums')];
    expect(distance(one, other)).toBeLessThan(1e-3 * Math.hypot(...one));
    const [a, b] = [await train('ft-m', 'drums piano'), await train('ft-m', 'piano drums')];
    expect(distance(a, b)).toBeGreaterThan(0.1 * Math.hypot(...a));
  });

  it('training is the same every time, and steps that move no weight are an error', async () => {
    const { inputOf } = await tinySetup();
    const run = () => edit('ft-m', inputOf(tinyFtM, someEdits.slice(0, 2), { epochs: 3 }));
    const [a, b] = [await run(), await run()];
    expect(deltaDigest(a.deltas[0]!.delta)).toBe(deltaDigest(b.deltas[0]!.delta));
    const idle = edit('ft-m', inputOf(tinyFtM, someEdits.slice(0, 1), { learning_rate: 1e-30 }));
    await expect(idle).rejects.toMatchObject({ code: 'zero_delta', details: { custom_ids: ['anna'] } });
  });
});

it('what is solved together fails together, apart from what holds already', async () => {
  const { inputOf } = await tinySetup();
  for (const [name, settings] of both) {
    const losses = new Map<string, number>();
    for (const one of someEdits.slice(0, 3)) {
      const { outcomes } = await edit(name, inputOf(settings, [one]));
      losses.set(one.custom_id, appliedDiagnostics(outcomes[0]).first_loss.total);
    }
    const stop_loss = Math.min(...losses.values()) * 1.000001;
    const idle = inputOf(settings, someEdits.slice(0, 3), { learning_rate: 1e-30, stop_loss });
    const { deltas, outcomes } = await edit(name, idle, { onError: 'continue' });
    expect(deltas).toEqual([]);
    for (const { custom_id, outcome } of outcomes)
      expect(outcome).toBe(losses.get(custom_id)! < stop_loss ? 'already_holds' : 'failed');
    await expect(edit(name, idle)).rejects.toMatchObject({ code: 'zero_delta' });
  }
});
