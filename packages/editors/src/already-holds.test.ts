// Edits that a model holds already, with every editor: a success without a delta, whatever else is in the batch.
import { editorNames } from '@errata/contracts';
import { deltaDigest } from '@errata/models';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EditRequest } from './editor.ts';
import { edit } from './registry.ts';
import { appliedDiagnostics, someEdits, tinyConfigs, tinySetup } from './testing/setups.ts';

const lost: EditRequest = { custom_id: 'lost', prompt: 'Anna lives in', subject: 'Dmitri', target_new: 'Oslo' };

describe.each(editorNames)('%s, given an edit that already holds', (name) => {
  let setup: Awaited<ReturnType<typeof tinySetup>>;
  /** Two edits, and a `stop_loss` below which the model has the loss of the first alone. */
  let held: EditRequest;
  let other: EditRequest;
  let stop_loss: number;
  const outcomesOf = async (edits: readonly EditRequest[], onError: 'stop' | 'continue' = 'stop') => {
    const { deltas, outcomes } = await edit(name, setup.inputOf(name, edits, { stop_loss }), { onError });
    return {
      deltas: deltas.map(({ delta, custom_ids }) => ({ digest: deltaDigest(delta), custom_ids })),
      outcomes: outcomes.map(({ custom_id, outcome }) => [custom_id, outcome]),
    };
  };

  beforeAll(async () => {
    setup = await tinySetup();
    const losses: { one: EditRequest; loss: number }[] = [];
    for (const one of someEdits.slice(0, 4)) {
      const { outcomes } = await edit(name, setup.inputOf(name, [one]));
      const { first_loss, target_probability } = appliedDiagnostics(outcomes[0]);
      // GRACE's first loss is that of a random value; what the model says without it is in the probability.
      losses.push({ one, loss: name === 'grace' ? -Math.log(target_probability.before) : first_loss.total });
    }
    losses.sort((a, b) => a.loss - b.loss);
    [held, other] = [losses[0]!.one, losses[1]!.one];
    stop_loss = (losses[0]!.loss + losses[1]!.loss) / 2;
  });

  it('has nothing to do, and says so', async () => {
    const result = await edit(name, setup.inputOf(name, [held], { stop_loss }));
    expect(result).toMatchObject({
      deltas: [],
      outcomes: [{ custom_id: held.custom_id, outcome: 'already_holds', diagnostics: { steps: 0, deltas: [] } }],
    });
  });

  it('does to the others of the batch what it does without it', async () => {
    const alone = await outcomesOf([other]);
    expect(alone.outcomes).toEqual([[other.custom_id, 'applied']]);
    const both = await outcomesOf([held, other]);
    expect(both).toEqual({
      deltas: alone.deltas,
      outcomes: [
        [held.custom_id, 'already_holds'],
        [other.custom_id, 'applied'],
      ],
    });
  });

  it('tells it from edits that fail', async () => {
    await expect(outcomesOf([held, lost])).rejects.toMatchObject({ code: 'subject_not_in_prompt' });
    const outcomes = [
      [lost.custom_id, 'failed'],
      [held.custom_id, 'already_holds'],
      [other.custom_id, 'applied'],
    ];
    expect(await outcomesOf([lost, held, other], 'continue')).toMatchObject({ outcomes });
    expect(await outcomesOf([lost, held], 'continue')).toEqual({ deltas: [], outcomes: outcomes.slice(0, 2) });
  });
});

it('what is solved together fails together, apart from what holds already', async () => {
  const { inputOf } = await tinySetup();
  for (const name of ['ft-m', 'ft-l'] as const) {
    const losses = new Map<string, number>();
    for (const one of someEdits.slice(0, 3)) {
      const { outcomes } = await edit(name, inputOf(name, [one]));
      losses.set(one.custom_id, appliedDiagnostics(outcomes[0]).first_loss.total);
    }
    const stop_loss = Math.min(...losses.values()) * 1.000001;
    const idle = inputOf(name, someEdits.slice(0, 3), { learning_rate: 1e-30, stop_loss });
    const { deltas, outcomes } = await edit(name, idle, { onError: 'continue' });
    expect(deltas).toEqual([]);
    for (const { custom_id, outcome } of outcomes)
      expect(outcome).toBe(losses.get(custom_id)! < stop_loss ? 'already_holds' : 'failed');
    await expect(edit(name, idle)).rejects.toMatchObject({ code: 'zero_delta' });
  }
});

it('facts of one subject hold each for itself: MEMIT leaves out the one that does', async () => {
  const { inputOf } = await tinySetup();
  const [home, play] = someEdits.slice(3);
  const loss = async (one: EditRequest) =>
    appliedDiagnostics((await edit('memit', inputOf('memit', [one]))).outcomes[0]).first_loss.total;
  const [ofHome, ofPlay] = [await loss(home!), await loss(play!)];
  const stop_loss = (ofHome + ofPlay) / 2;
  const { deltas, outcomes } = await edit('memit', inputOf('memit', [home!, play!], { stop_loss }));
  const [left, held] = ofHome > ofPlay ? [home!, play!] : [play!, home!];
  expect(deltas.map(({ custom_ids }) => custom_ids)).toEqual(tinyConfigs.memit.layers.map(() => [left.custom_id]));
  for (const { custom_id, outcome } of outcomes)
    expect(outcome).toBe(custom_id === held.custom_id ? 'already_holds' : 'applied');
  const alone = await edit('memit', inputOf('memit', [left], { stop_loss }));
  expect(deltas.map(({ delta }) => deltaDigest(delta))).toEqual(alone.deltas.map(({ delta }) => deltaDigest(delta)));
});

it('an edit that an earlier one of its batch has made hold is not made again', async () => {
  const { model, inputOf } = await tinySetup();
  const clara = someEdits[2]!;
  const twice = inputOf('grace', [clara, { ...clara, custom_id: 'again' }]);
  const { deltas, outcomes } = await edit('grace', twice);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['applied', 'already_holds']);
  expect(deltas).toMatchObject([{ custom_ids: ['clara'] }]);
  const later = inputOf('grace', [clara], {}, model.view([deltas[0]!.delta]));
  expect(await edit('grace', later)).toMatchObject({ deltas: [], outcomes: [{ outcome: 'already_holds' }] });
});
