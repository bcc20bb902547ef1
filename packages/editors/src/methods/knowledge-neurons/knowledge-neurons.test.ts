// KN: attributions that add up, neurons that contexts agree on, and what is done to their values.
import { type Delta, type View, valueMatrix } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup, valueAt } from '../setups.fixture.ts';
import { attribute } from './attribution.ts';
import { refine } from './refine.ts';
import { tinyKnowledgeNeurons } from './tiny.fixture.ts';

const probability = async (view: View, ids: readonly number[], answer: number) => {
  const [logits] = await view.nextLogits([ids]);
  const greatest = Math.max(...logits!);
  const all = logits!.reduce((sum, x) => sum + Math.exp(x - greatest), 0);
  return Math.exp(logits![answer]! - greatest) / all;
};

const unit = (size: number, index: number) => Float64Array.from({ length: size }, (_, i) => (i === index ? 1 : 0));

describe.each(families)('attribution on %s', (_family, config) => {
  it('adds up to what the neurons of a layer give the answer', async () => {
    const { model } = await tinySetup(config);
    const view = model.view();
    const { width, mlpWidth } = model.spec;
    // One token: with the matrix gone nothing else changes.
    const [ids, answer] = [[7], 11];
    const found = await attribute(view, ids, answer, { steps: 300, signal: undefined });
    for (const layer of [0, 2]) {
      const { weight: tensor } = valueMatrix(model.spec, layer);
      const gone: Delta = { kind: 'dense', tensor, data: view.weight(tensor).map((x) => -x) };
      expect(gone.data).toHaveLength(width * mlpWidth);
      const given = (await probability(view, ids, answer)) - (await probability(view.with([gone]), ids, answer));
      const sum = found[layer]!.reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - given)).toBeLessThan(0.02 * Math.abs(given) + 1e-5);
    }
  });

  it('is nothing for a neuron whose value is zero', async () => {
    const { model, inputOf } = await tinySetup(config);
    const [one] = someEdits;
    const erasing = { operation: 'erase', prefixes: [] as [number, number][] } as const;
    const { outcomes, deltas } = await edit('kn', inputOf(tinyKnowledgeNeurons, [one!], erasing));
    const { neurons } = appliedDiagnostics(outcomes[0]);
    const ids = model.tokenizer!.encode(one!.prompt);
    const [logits] = await model.view().nextLogits([ids]);
    const answer = logits!.indexOf(Math.max(...logits!));
    const settings = { steps: 4, signal: undefined };
    const before = await attribute(model.view(), ids, answer, settings);
    const after = await attribute(model.view(deltas.map(({ delta }) => delta)), ids, answer, settings);
    for (const { layer, index } of neurons!) {
      expect(before[layer]![index]).toBeGreaterThan(0);
      expect(Math.abs(after[layer]![index]!)).toBe(0);
    }
  });
});

describe('refining', () => {
  /** Contexts in each of which these neurons stand out, of ten in each of two layers. */
  const contexts = (sets: readonly (readonly number[])[]) =>
    sets.map((set) =>
      [0, 1].map((layer) => Float64Array.from({ length: 10 }, (_, i) => (set.includes(layer * 10 + i) ? 1 : 0.1))),
    );
  const kept = (sets: readonly (readonly number[])[], agreement = 0.7) =>
    refine(contexts(sets), { threshold: 0.2, agreement })
      .map(({ layer, index }) => layer * 10 + index)
      .toSorted((a, b) => a - b);

  it('keeps what most contexts agree on', () => {
    expect(
      kept([
        [1, 12],
        [1, 12],
        [1, 12, 3],
        [1, 12, 4],
      ]),
    ).toEqual([1, 12]);
  });

  it('asks fewer contexts where too few neurons are left, and more where too many', () => {
    const five = [[1, 12], [1, 12], [1, 12], [1], [1]];
    expect(kept(five, 0.75)).toEqual([1, 12]);
    const many = Array.from({ length: 10 }, (_, i) => [1, 2, ...(i < 7 ? [3, 4, 5, 6, 7] : [])]);
    expect(kept(many)).toEqual([1, 2]);
  });

  it('asks for three contexts at least, where there are as many', () => {
    expect(kept([[1], [1], [2], [2], [3], [3], [4], [5], [6], [7]], 0.2)).toEqual([]);
    expect(kept([[1, 2]])).toEqual([1, 2]);
  });
});

describe.each(families)('KN on %s', (_family, config) => {
  it('takes the old answer out of the values of its neurons and puts the target in, and touches no other', async () => {
    const { model, inputOf } = await tinySetup(config);
    const view = model.view();
    const { tokenizer, spec } = model;
    const [one] = someEdits;
    const { deltas, outcomes } = await edit('kn', inputOf(tinyKnowledgeNeurons, [one!]));
    const { neurons, target_probability } = appliedDiagnostics(outcomes[0]);
    expect(neurons!.length).toBeGreaterThan(0);
    const after = view.with(deltas.map(({ delta }) => delta));
    const head = view.weight(spec.head.weight);
    const rowOf = (token: number) => head.subarray(token * spec.width, (token + 1) * spec.width);
    const ids = tokenizer!.encode(one!.prompt);
    const [logits] = await view.nextLogits([ids]);
    const old = rowOf(logits!.indexOf(Math.max(...logits!)));
    const target = rowOf(tokenizer!.encode(`${one!.prompt} ${one!.target_new}`)[ids.length]!);
    for (let layer = 0; layer < spec.layers; layer++)
      for (let index = 0; index < spec.mlpWidth; index++) {
        const [was, is] = [view, after].map((at) => valueAt(at, layer, unit(spec.mlpWidth, index)));
        const chosen = neurons!.some((neuron) => neuron.layer === layer && neuron.index === index);
        const size = Math.hypot(...was!);
        const wanted = was!.map((x, j) =>
          chosen ? x + size * ((8 * target[j]!) / Math.hypot(...target) - old[j]! / Math.hypot(...old)) : x,
        );
        for (const [j, x] of wanted.entries()) expect(is![j]).toBeCloseTo(x, 4);
      }
    expect(target_probability.after).not.toBe(target_probability.before);
  });
});

it('erases: the values of the neurons are zero, and what was said is less likely', async () => {
  const { model, inputOf } = await tinySetup();
  const [one] = someEdits;
  const { deltas, outcomes } = await edit('kn', inputOf(tinyKnowledgeNeurons, [one!], { operation: 'erase' }));
  const after = model.view(deltas.map(({ delta }) => delta));
  for (const { layer, index } of appliedDiagnostics(outcomes[0]).neurons!)
    expect(Math.hypot(...valueAt(after, layer, unit(model.spec.mlpWidth, index)))).toBeLessThan(1e-6);
  const ids = model.tokenizer!.encode(one!.prompt);
  const [logits] = await model.view().nextLogits([ids]);
  const answer = logits!.indexOf(Math.max(...logits!));
  expect(await probability(after, ids, answer)).toBeLessThan(await probability(model.view(), ids, answer));
});

it('says what to give where contexts agree on no neuron', async () => {
  const { inputOf } = await tinySetup();
  const settings = { threshold: 1, agreement: 1, prefixes: [[9, 4]] as [number, number][] };
  await expect(edit('kn', inputOf(tinyKnowledgeNeurons, someEdits.slice(1, 2), settings))).rejects.toThrow(
    'give a lower agreement or threshold',
  );
});

leavesAloneWhatHolds('kn', tinyKnowledgeNeurons);
