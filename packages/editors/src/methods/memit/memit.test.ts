// MEMIT and EMMET: their closed form against the defining equations, and the editors on random models.
import { lowerOf, matrix, multiply } from '@errata/graph';
import { deltaDigest, type View, valueMatrix } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { builder as secondMoments } from '../../artefacts/second-moment/build.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import { invertMoment } from '../../artefacts/second-moment/second-moment.ts';
import { edit } from '../../edit.ts';
import type { EditRequest } from '../../editor.ts';
import { trace } from '../../search/tracer.ts';
import { type LeastSquaresUpdate, leastSquaresUpdate } from '../../solve/least-squares.ts';
import { rankOneUpdate } from '../../solve/rank-one.ts';
import { dot, minus, norm, plus, scaled } from '../../solve/vectors.ts';
import { editSequences } from '../../texts/sequences.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { randoms } from '../../tiny-model.fixture.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup, valueAt } from '../setups.fixture.ts';
import { tinyEmmet, tinyMemit } from './tiny.fixture.ts';

const size = 20;
const width = 6;
const vectors = (seed: number, count: number, length: number) => {
  const next = randoms(seed);
  return Array.from({ length: count }, () => Float64Array.from({ length }, next));
};
async function someMoment() {
  const mean = new Float64Array(size * size);
  for (const k of vectors(1, 80, size))
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) mean[i * size + j]! += (k[i]! * k[j]!) / 80;
  return invertMoment(lowerOf(matrix(size, size, mean)), { model: 'm', layer: 0, tokens: 80, corpus_sha256: '' });
}
const change = async ({ keySide, valueSide }: LeastSquaresUpdate, key: Float64Array) =>
  (await multiply(await multiply(matrix(1, size, key), keySide), valueSide)).data;

describe('the least-squares update', () => {
  it('moves every key by its residual as lambda goes to zero, and none as it grows', async () => {
    const keys = vectors(2, 5, size);
    const residuals = vectors(3, 5, width);
    const moment = await someMoment();
    const exact = await leastSquaresUpdate(keys, residuals, moment, 1e-9);
    const none = await leastSquaresUpdate(keys, residuals, moment, 1e12);
    for (const [i, key] of keys.entries()) {
      expect(norm(minus(await change(exact, key), residuals[i]!))).toBeLessThan(1e-6);
      expect(norm(await change(none, key))).toBeLessThan(1e-9);
    }
  });

  it('cancels out where one key is asked for opposite residuals', async () => {
    const [key] = vectors(4, 1, size);
    const [residual] = vectors(5, 1, width);
    const opposite = residual!.map((x) => -x);
    const update = await leastSquaresUpdate([key!, key!], [residual!, opposite], await someMoment(), 1);
    expect(norm(await change(update, key!))).toBeLessThan(1e-10);
  });

  it('agrees with the direct solve, which it takes for more keys than dimensions', async () => {
    const keys = vectors(6, size - 1, size);
    const residuals = vectors(7, size - 1, width);
    const moment = await someMoment();
    const woodbury = await leastSquaresUpdate(keys, residuals, moment, 3);
    // Zero keys change neither K K^T nor the result, but push the count over the number of dimensions.
    const zeros = (length: number) => Array.from({ length: 2 }, () => new Float64Array(length));
    const direct = await leastSquaresUpdate([...keys, ...zeros(size)], [...residuals, ...zeros(width)], moment, 3);
    const [probe] = vectors(8, 1, size);
    expect(norm(minus(await change(woodbury, probe!), await change(direct, probe!)))).toBeLessThan(1e-9);
  });
});

describe.each(families)('MEMIT on %s', (_family, config) => {
  it('reaches z at the last layer: its divisor is one', async () => {
    const { model, inputOf } = await tinySetup(config);
    const only = { layers: [1], prefixes: [] as [number, number][], second_moment_weight: 1e-7 };
    const input = inputOf(tinyMemit, someEdits.slice(0, 3), only);
    const result = await edit('memit', input);
    const before = model.view();
    const after = before.with(result.deltas.map(({ delta }) => delta));
    for (const [i, one] of someEdits.slice(0, 3).entries()) {
      const sequences = editSequences(sequenceSource(input), one, []);
      const read = async (view: View) => (await trace(view, { recorded: [1] }, sequences.contexts)).layers.get(1)!;
      const [from, to] = [await read(before), await read(after)];
      const moved = norm(minus(Float64Array.from(to.blockOut), Float64Array.from(from.blockOut)));
      expect(moved / appliedDiagnostics(result.outcomes[i]).value_norms!.offset).toBeCloseTo(1, 3);
      expect(norm(minus(valueAt(after, 1, to.keys), valueAt(before, 1, from.keys)))).toBeCloseTo(moved, 3);
    }
  });

  it('leaves one delta a layer, of one column a subject', async () => {
    const { inputOf } = await tinySetup(config);
    const { deltas, outcomes } = await edit('memit', inputOf(tinyMemit, someEdits));
    expect(deltas).toHaveLength(tinyMemit.layers.length);
    for (const { delta, custom_ids } of deltas) {
      if (delta.kind !== 'low_rank') throw new Error(delta.kind);
      expect(delta.rank).toBe(4);
      expect(custom_ids).toEqual(someEdits.map(({ custom_id }) => custom_id));
    }
    const merged = outcomes.map((o) => (o.outcome === 'applied' ? o.diagnostics.merged_with : undefined));
    expect(merged).toEqual([undefined, undefined, undefined, ['elena-play'], ['elena-home']]);
  });
});

describe('the MEMIT editor', () => {
  it('gives facts of one subject one value when merged, and the mean of two when not', async () => {
    const { model, inputOf } = await tinySetup();
    const edits = [
      { custom_id: 'a', prompt: 'Elena lives in', subject: 'Elena', target_new: 'Oslo' },
      { custom_id: 'b', prompt: 'Elena plays', subject: 'Elena', target_new: 'drums' },
    ];
    const [sequence] = editSequences(sequenceSource({ model }), edits[0]!, []).contexts;
    const { keys } = (await trace(model.view(), { recorded: [1] }, [sequence])).layers.get(1)!;
    const run = async (some: typeof edits, merge_same_subject: boolean) => {
      const settings = { layers: [1], prefixes: [], merge_same_subject, second_moment_weight: 1e-7, clamp_factor: 20 };
      const { deltas, outcomes } = await edit('memit', inputOf(tinyMemit, some, settings));
      const after = model.view(deltas.map(({ delta }) => delta));
      const moved = minus(valueAt(after, 1, keys), valueAt(model.view(), 1, keys));
      return { moved, offset: appliedDiagnostics(outcomes[0]).value_norms!.offset };
    };
    const alone = [await run([edits[0]!], true), await run([edits[1]!], true)];
    const mean = scaled(plus(alone[0]!.moved, alone[1]!.moved), 0.5);
    const apart = await run(edits, false);
    expect(norm(minus(apart.moved, mean))).toBeLessThan(1e-2 * norm(mean));
    const together = await run(edits, true);
    expect(norm(together.moved) / together.offset).toBeCloseTo(1, 3);
    expect(norm(minus(together.moved, mean))).toBeGreaterThan(0.05 * norm(mean));
  });

  it('edits the first and the last layer alone where told to, each as if it were the only one', async () => {
    const { model, inputOf } = await tinySetup();
    const bytes = ({ deltas }: Awaited<ReturnType<typeof edit>>) => deltas.map(({ delta }) => deltaDigest(delta));
    const ends = await edit('memit', inputOf(tinyMemit, someEdits, { distribution: 'ends' }));
    expect(ends.deltas.map(({ delta }) => 'tensor' in delta && delta.tensor)).toEqual(
      [0, 2].map((layer) => valueMatrix(model.spec, layer).weight),
    );
    const first = await edit('memit', inputOf(tinyMemit, someEdits, { layers: [0] }));
    const parent = model.view(first.deltas.map(({ delta }) => delta));
    const last = await edit('memit', inputOf(tinyMemit, someEdits, { layers: [2] }, parent));
    expect(bytes(ends)).toEqual([...bytes(first), ...bytes(last)]);
    const both = appliedDiagnostics(ends.outcomes[0]);
    const [one, other] = [first, last].map(({ outcomes }) => appliedDiagnostics(outcomes[0]));
    expect(both.steps).toBe(one!.steps + other!.steps);
    expect([both.first_loss, both.last_loss]).toEqual([one!.first_loss, other!.last_loss]);
    expect(both.deltas.map(({ layer }) => layer)).toEqual([0, 2]);
    const alone = await edit('memit', inputOf(tinyMemit, someEdits, { layers: [1], distribution: 'ends' }));
    expect(bytes(alone)).toEqual(bytes(await edit('memit', inputOf(tinyMemit, someEdits, { layers: [1] }))));
  });

  it('delivers the share of a residual that it was asked for, whatever the units of the keys', async () => {
    const { model, inputOf } = await tinySetup();
    const [one] = someEdits;
    const share = 0.4;
    const settings = { layers: [1], prefixes: [] as [number, number][], second_moment_weight: { share } };
    const input = inputOf(tinyMemit, [one!], settings);
    const { deltas, outcomes } = await edit('memit', input);
    const { contexts } = editSequences(sequenceSource(input), one!, []);
    const { keys } = (await trace(model.view(), { recorded: [1] }, contexts)).layers.get(1)!;
    const after = model.view(deltas.map(({ delta }) => delta));
    const moved = norm(minus(valueAt(after, 1, keys), valueAt(model.view(), 1, keys)));
    const { value_norms, delivered } = appliedDiagnostics(outcomes[0]);
    expect(moved / value_norms!.offset).toBeCloseTo(share, 4);
    expect(delivered![0]).toBeCloseTo(share, 6);
    const together = await edit('memit', inputOf(tinyMemit, someEdits, { ...settings, layers: [0, 2] }));
    for (const outcome of together.outcomes) {
      expect(appliedDiagnostics(outcome).delivered).toHaveLength(2);
      for (const each of appliedDiagnostics(outcome).delivered!) expect(Math.abs(each - share)).toBeLessThan(0.4);
    }
  });

  it('gives the same bytes for the same inputs', async () => {
    const digests = [];
    for (let i = 0; i < 2; i++) {
      const { inputOf } = await tinySetup();
      const { deltas } = await edit('memit', inputOf(tinyMemit, someEdits));
      digests.push(deltas.map(({ delta }) => deltaDigest(delta)));
    }
    expect(digests[0]).toEqual(digests[1]);
  });

  it('leaves a failing edit out of the batch when asked to', async () => {
    const { inputOf } = await tinySetup();
    const lost = { ...someEdits[0]!, custom_id: 'lost', subject: 'Dmitri' };
    const { outcomes, deltas } = await edit('memit', inputOf(tinyMemit, [lost, someEdits[2]!]), {
      onError: 'continue',
    });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['failed', 'applied']);
    expect(deltas[0]!.custom_ids).toEqual(['clara']);
  });
});

it('facts of one subject hold each for itself: MEMIT leaves out the one that does', async () => {
  const { inputOf } = await tinySetup();
  const [home, play] = someEdits.slice(3);
  const loss = async (one: EditRequest) =>
    appliedDiagnostics((await edit('memit', inputOf(tinyMemit, [one]))).outcomes[0]).first_loss.total;
  const [ofHome, ofPlay] = [await loss(home!), await loss(play!)];
  const stop_loss = (ofHome + ofPlay) / 2;
  const { deltas, outcomes } = await edit('memit', inputOf(tinyMemit, [home!, play!], { stop_loss }));
  const [left, held] = ofHome > ofPlay ? [home!, play!] : [play!, home!];
  expect(deltas.map(({ custom_ids }) => custom_ids)).toEqual(tinyMemit.layers.map(() => [left.custom_id]));
  for (const { custom_id, outcome } of outcomes)
    expect(outcome).toBe(custom_id === held.custom_id ? 'already_holds' : 'applied');
  const alone = await edit('memit', inputOf(tinyMemit, [left], { stop_loss }));
  expect(deltas.map(({ delta }) => deltaDigest(delta))).toEqual(alone.deltas.map(({ delta }) => deltaDigest(delta)));
});

leavesAloneWhatHolds('memit', tinyMemit);

it('counts the prefixes that a prompt does not fit behind', async () => {
  const { inputOf } = await tinySetup();
  const long = { ...someEdits[0]!, prompt: `${'the city of '.repeat(20)}Anna lives in` };
  const { outcomes } = await edit('memit', inputOf(tinyMemit, [long, someEdits[1]!]));
  expect(outcomes.map((outcome) => appliedDiagnostics(outcome).prefixes)).toEqual([
    { used: 0, left_out: 3 },
    { used: 3, left_out: 0 },
  ]);
});

leavesAloneWhatHolds('emmet', tinyEmmet);

describe.each(families)('EMMET on %s', (_family, config) => {
  const layer = tinyEmmet.layer;
  const keyOf = async (view: View, input: Parameters<typeof sequenceSource>[0], one: EditRequest) => {
    const { contexts } = editSequences(sequenceSource(input), one, []);
    return Float64Array.from((await trace(view, { recorded: [layer] }, contexts)).layers.get(layer)!.keys);
  };

  it('gives every key its value exactly where alpha is 0', async () => {
    const { model, inputOf } = await tinySetup(config);
    const some = someEdits.slice(0, 3);
    const input = inputOf(tinyEmmet, some, { alpha: 0, prefixes: [] });
    const { deltas, outcomes } = await edit('emmet', input);
    const [before, after] = [model.view(), model.view(deltas.map(({ delta }) => delta))];
    for (const [i, one] of some.entries()) {
      const key = await keyOf(before, input, one);
      const moved = norm(minus(valueAt(after, layer, key), valueAt(before, layer, key)));
      expect(moved / appliedDiagnostics(outcomes[i]).value_norms!.offset).toBeCloseTo(1, 3);
    }
  });

  it('loosens several edits by the share that is asked for, and one alone by nothing', async () => {
    const { inputOf } = await tinySetup(config);
    const settings = { prefixes: [] as [number, number][], alpha: { share: 0.5 } };
    const delivered = async (some: readonly EditRequest[]) =>
      (await edit('emmet', inputOf(tinyEmmet, some, settings))).outcomes.map(
        (outcome) => appliedDiagnostics(outcome).delivered![0]!,
      );
    expect((await delivered(someEdits.slice(0, 1)))[0]).toBeCloseTo(1, 6);
    for (const share of await delivered(someEdits.slice(0, 3))) expect(Math.abs(share - 0.5)).toBeLessThan(0.4);
  });

  it('refuses edits whose keys are the same where alpha is 0, and says what to give', async () => {
    const { inputOf } = await tinySetup(config);
    const [one] = someEdits;
    const twice = [one!, { ...one!, custom_id: 'again', target_new: 'Kyoto' }];
    const settings = { alpha: 0, merge_same_subject: false };
    await expect(edit('emmet', inputOf(tinyEmmet, twice, settings))).rejects.toThrow('give alpha above 0');
  });

  it('makes of one edit what r-ROME makes of the same value', async () => {
    const { model, inputOf } = await tinySetup(config);
    const [one] = someEdits;
    const input = inputOf(tinyEmmet, [one!], { prefixes: [] });
    const { deltas } = await edit('emmet', input);
    const [before, after] = [model.view(), model.view(deltas.map(({ delta }) => delta))];
    const key = await keyOf(before, input, one!);
    const { inverse } = await input.artefacts.read(secondMoments, secondMomentOf(layer));
    const change = minus(valueAt(after, layer, key), valueAt(before, layer, key));
    const { keySide, valueSide } = rankOneUpdate({ solveKey: key, scaleKey: key, change, inverse });
    const [delta] = deltas.map(({ delta }) => delta);
    if (delta?.kind !== 'low_rank') throw new Error('not of low rank');
    const [left, right] = [norm(Float64Array.from(delta.left)), norm(Float64Array.from(delta.right))];
    expect(left * right).toBeCloseTo(norm(keySide) * norm(valueSide), 3);
    expect(Math.abs(dot(Float64Array.from(delta.left), keySide)) / left).toBeCloseTo(1, 5);
  });
});
