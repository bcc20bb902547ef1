// LoRA on random models: which maps change and by what rank, how it begins, and what it refuses.
import { deltaDigest, type LowRankDelta } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import type { EditorResult } from '../../editor.ts';
import { tinyLlama } from '../../tiny-model.fixture.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { mapNames } from './settings.ts';
import { tinyLora } from './tiny.fixture.ts';

leavesAloneWhatHolds('lora', tinyLora);

const lowRank = ({ deltas }: EditorResult): readonly LowRankDelta[] =>
  deltas.map(({ delta }) => {
    if (delta.kind !== 'low_rank') throw new Error(delta.kind);
    return delta;
  });

const tensorsOf = (result: EditorResult): readonly string[] => lowRank(result).map(({ tensor }) => tensor);

describe.each(families)('LoRA on %s', (family, config) => {
  it('raises the probability of every target, by one delta of low rank a matrix', async () => {
    const { model, inputOf } = await tinySetup(config);
    const result = await edit('lora', inputOf(tinyLora, someEdits));
    const perLayer = family === 'gpt2' ? 2 : 3;
    expect(result.deltas).toHaveLength(perLayer * model.spec.layers);
    expect(new Set(tensorsOf(result)).size).toBe(result.deltas.length);
    for (const { custom_ids } of result.deltas) expect(custom_ids).toHaveLength(someEdits.length);
    for (const { tensor, rank } of lowRank(result))
      expect(rank).toBe(tensor.includes('c_attn') ? 2 * tinyLora.rank : tinyLora.rank);
    for (const outcome of result.outcomes) {
      const { target_probability, first_loss, last_loss, deltas } = appliedDiagnostics(outcome);
      expect(target_probability.after).toBeGreaterThan(3 * target_probability.before);
      expect(last_loss.nll).toBeLessThan(first_loss.nll);
      // B is zero at first: what is asked before the first step is the version as it is.
      expect(first_loss.nll).toBeCloseTo(-Math.log(target_probability.before), 4);
      expect(deltas).toHaveLength(result.deltas.length);
    }
  });

  it('changes the maps that are named, in the layers that are named, and no others', async () => {
    const { model, inputOf } = await tinySetup(config);
    const { spec } = model;
    const places = { epochs: 1, layers: [1, 3] };
    const there = mapNames.filter((name) => family !== 'gpt2' || name !== 'mlp_gate');
    for (const name of there) {
      const result = await edit('lora', inputOf(tinyLora, someEdits.slice(0, 1), { ...places, targets: [name] }));
      const before = model.view();
      const after = before.with(lowRank(result));
      expect(result.deltas).toHaveLength(2);
      expect(lowRank(result).map(({ rank }) => rank)).toEqual([tinyLora.rank, tinyLora.rank]);
      for (const tensor of spec.parameters.keys()) {
        const [from, to] = [before.weight(tensor), after.weight(tensor)];
        const moved = [...to.keys()].filter((i) => to[i] !== from[i]);
        if (!tensorsOf(result).includes(tensor)) expect(moved, tensor).toHaveLength(0);
        else expect(moved.length, tensor).toBeGreaterThan(0);
        if (!tensor.endsWith('c_attn.weight')) continue;
        // Queries, keys and values lie side by side.
        const part = mapNames.indexOf(name);
        for (const index of moved) expect(Math.floor((index % (3 * spec.width)) / spec.width)).toBe(part);
      }
    }
  });

  it('is the same for the same seed, whichever order the maps are named in, and another for another', async () => {
    const { inputOf } = await tinySetup(config);
    const digests = async (input: ReturnType<typeof inputOf<typeof tinyLora>>) =>
      (await edit('lora', input)).deltas.map(({ delta }) => deltaDigest(delta));
    const input = inputOf(tinyLora, someEdits.slice(0, 2), { epochs: 3 });
    const first = await digests(input);
    expect(await digests(input)).toEqual(first);
    const turned = inputOf(tinyLora, someEdits.slice(0, 2), {
      epochs: 3,
      targets: ['mlp_down', 'value', 'query'],
    });
    expect(await digests(turned)).toEqual(first);
    expect(await digests({ ...input, seed: 2 })).not.toEqual(first);
  });
});

it('scales with alpha over rank', async () => {
  const { inputOf } = await tinySetup();
  const normOf = async (alpha: number) => {
    const one = inputOf(tinyLora, someEdits.slice(0, 1), { alpha, epochs: 1 });
    return appliedDiagnostics((await edit('lora', one)).outcomes[0]).deltas[0]!.norm;
  };
  // The first step of Adam is as long whatever the gradient.
  expect((await normOf(16)) / (await normOf(8))).toBeCloseTo(2, 3);
});

it('leaves no delta of a map that does not matter: of a prompt of one token queries and keys do not', async () => {
  const { model, inputOf } = await tinySetup(tinyLlama);
  const alone = { custom_id: 'alone', prompt: 'Anna', subject: 'Anna', target_new: 'Oslo' };
  expect(model.tokenizer!.encode(alone.prompt)).toHaveLength(1);
  const maps = { targets: ['query', 'value'] as ('query' | 'value')[], layers: [2], epochs: 2 };
  const result = await edit('lora', inputOf(tinyLora, [alone], maps));
  expect(tensorsOf(result)).toEqual([expect.stringContaining('v_proj')]);
});

it('refuses maps that the model does not have, and steps that move nothing', async () => {
  const { inputOf } = await tinySetup();
  const one = someEdits.slice(0, 1);
  await expect(edit('lora', inputOf(tinyLora, one, { targets: ['mlp_gate'] }))).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringContaining(
      'no mlp_gate: targets may be query, key, value, attention_output, mlp_up, mlp_down',
    ),
  });
  await expect(edit('lora', inputOf(tinyLora, one, { learning_rate: 1e-30 }))).rejects.toMatchObject({
    code: 'zero_delta',
    details: { custom_ids: ['anna'] },
  });
});

it('tells how far it is, and stops when it is told to', async () => {
  const { inputOf } = await tinySetup();
  const controller = new AbortController();
  const steps: (number | undefined)[] = [];
  const run = edit('lora', inputOf(tinyLora, someEdits.slice(0, 2)), {
    signal: controller.signal,
    onProgress: ({ phase, step, steps: of }) => {
      expect([phase, of]).toEqual(['train', tinyLora.epochs]);
      steps.push(step);
      if (step === 3) controller.abort(new Error('enough'));
    },
  });
  await expect(run).rejects.toThrow('enough');
  expect(steps).toEqual([1, 2, 3]);
});

it('needs no subject', async () => {
  const { inputOf } = await tinySetup();
  const { subject: _, ...nameless } = someEdits[0]!;
  const { outcomes } = await edit('lora', inputOf(tinyLora, [nameless], { epochs: 2 }));
  expect(outcomes).toMatchObject([{ custom_id: 'anna', outcome: 'applied' }]);
});

it('changes the part of a matrix that gates and what they let through share', async () => {
  const { model, inputOf } = await tinySetup({ ...tinyLlama, model_type: 'phi3' });
  for (const [name, part] of [
    ['mlp_gate', 0],
    ['mlp_up', 1],
    ['value', 2],
  ] as const) {
    const result = await edit(
      'lora',
      inputOf(tinyLora, someEdits.slice(0, 1), { targets: [name], layers: [2], epochs: 1 }),
    );
    const [tensor] = tensorsOf(result);
    const [from, to] = [model.view().weight(tensor!), model.view(lowRank(result)).weight(tensor!)];
    const { width, mlpWidth, heads, kvHeads, headDim } = model.spec;
    const ends =
      name === 'value'
        ? [heads * headDim, (heads + kvHeads) * headDim, (heads + 2 * kvHeads) * headDim]
        : [mlpWidth, 2 * mlpWidth];
    const parts = [...to.keys()].filter((i) => to[i] !== from[i]).map((i) => ends.findIndex((end) => i < end * width));
    expect(new Set(parts)).toEqual(new Set([part]));
  }
});
