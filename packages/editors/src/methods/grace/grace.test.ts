// GRACE on random models: answers where it has keys, silence everywhere else, and a book that a later edit continues.
import {
  type CodebookDelta,
  changedCodebook,
  deltaDigest,
  emptyCodebook,
  encodeDelta,
  encodePrompt,
  uniform,
  type View,
} from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import type { EditorResult } from '../../editor.ts';
import { layOutEdit, targetProbabilities } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { place, placed } from './codebook.ts';
import { tinyGrace } from './tiny.fixture.ts';

const booksOf = (view: View): readonly CodebookDelta[] =>
  [...view.memories.values()].filter((memory) => memory.kind === 'codebook');

/** The book that the edits leave, on top of what their version had. */
function bookAfter({ deltas }: EditorResult, view: View): CodebookDelta {
  const [book] = booksOf(view.with(deltas.map(({ delta }) => delta)));
  if (!book) throw new Error('there is no codebook');
  return book;
}

const ways = [
  { site: 'c_fc', replacement: 'last' },
  { site: 'c_proj', replacement: 'last' },
  { site: 'c_fc', replacement: 'prompt', layer: 0, learning_rate: 0.1 },
  { site: 'c_proj', replacement: 'prompt', layer: 0, learning_rate: 0.1 },
] as const;

describe.each(families)('GRACE on %s', (_family, config) => {
  it.each(ways)('answers its own prompts and leaves others bit for bit: $site, $replacement', async (settings) => {
    const { model, inputOf } = await tinySetup(config);
    const edits = someEdits.slice(0, 3);
    const result = await edit('grace', inputOf(tinyGrace, edits, settings));
    const base = model.view();
    expect(bookAfter(result, base).labels).toHaveLength(3);
    const view = base.with(result.deltas.map(({ delta }) => delta));
    const laidOut = edits.map((one) => layOutEdit(sequenceSource({ model }), one));
    const served = await targetProbabilities(view, laidOut);
    for (const [i, outcome] of result.outcomes.entries()) {
      const { before, after } = appliedDiagnostics(outcome).target_probability;
      expect(served[i]! / after).toBeCloseTo(1, 3);
      expect(after).toBeGreaterThan(3 * before);
    }
    const prompt = encodePrompt(model.tokenizer!, edits[0]!.prompt);
    const [answer] = await view.generate([prompt], { maxTokens: 1 });
    // What random attention lets through of the prompt's outputs moves an answer, but not that far.
    if (settings.replacement === 'last') expect(model.tokenizer!.decode([...answer!.tokens]).trim()).toBe('Oslo');
    const elsewhere = [encodePrompt(model.tokenizer!, 'the city of Lima')];
    expect(await view.nextLogits(elsewhere)).toEqual(await base.nextLogits(elsewhere));
  });
});

describe('the GRACE editor', () => {
  it('does not grow when an edit is made again, and continues the book of its version', async () => {
    const { model, inputOf } = await tinySetup();
    const [first, second] = someEdits;
    const base = model.view();
    const one = bookAfter(await edit('grace', inputOf(tinyGrace, [first!])), base);
    const view = base.with([one]);
    const again = await edit('grace', inputOf(tinyGrace, [first!], {}, view));
    expect(bookAfter(again, view).labels).toEqual(one.labels);
    expect(again.outcomes[0]).toMatchObject({ diagnostics: { codebook: { action: 'widened', row: 0 } } });
    const both = bookAfter(await edit('grace', inputOf(tinyGrace, [second!], {}, view)), view);
    expect(both.labels).toHaveLength(2);
    expect(both.labels[0]).toBe(one.labels[0]);
    expect(both.values.slice(0, one.valueSize)).toEqual(one.values);
  });

  it('leaves a delta an edit, of one row, however many were there before', async () => {
    const { model, inputOf } = await tinySetup();
    const { deltas } = await edit('grace', inputOf(tinyGrace, someEdits));
    expect(deltas.map(({ custom_ids }) => custom_ids)).toEqual(someEdits.map(({ custom_id }) => [custom_id]));
    const sizes = deltas.map(({ delta }) => encodeDelta(delta).byteLength);
    const rowBytes = 4 * (model.spec.width + model.spec.mlpWidth);
    for (const size of sizes) expect(size).toBeLessThan(rowBytes + 1024);
    const view = model.view(deltas.map(({ delta }) => delta));
    const without = model.view(deltas.slice(1).map(({ delta }) => delta));
    const labels = booksOf(view)[0]!.labels;
    expect(booksOf(without)[0]!.labels).toEqual(labels.slice(1));
  });

  it('takes the newest answer to one question', async () => {
    const { model, inputOf } = await tinySetup();
    const [first] = someEdits;
    const base = model.view();
    const view = base.with([bookAfter(await edit('grace', inputOf(tinyGrace, [first!])), base)]);
    const corrected = { ...first!, target_new: 'Lima' };
    const result = await edit('grace', inputOf(tinyGrace, [corrected], {}, view));
    expect(result.outcomes[0]).toMatchObject({ diagnostics: { codebook: { action: 'replaced' } } });
    const prompt = encodePrompt(model.tokenizer!, first!.prompt);
    const [answer] = await view.with([bookAfter(result, view)]).generate([prompt], { maxTokens: 1 });
    expect(model.tokenizer!.decode([...answer!.tokens]).trim()).toBe('Lima');
  });

  it('covers the question that a ball grew for, on its very edge', async () => {
    const { model } = await tinySetup();
    const { width, mlpWidth } = model.spec;
    const prompt = encodePrompt(model.tokenizer!, 'Anna lives in');
    const keyAt = { site: 'mlp_in', layer: 1 } as const;
    const asked = (await model.view().activations([prompt], [keyAt], 'last')).get('mlp_in.1')!;
    const edit = { value: new Float32Array(mlpWidth).fill(1), label: '5', replacement: 'last' } as const;
    const [plain] = await model.view().nextLogits([prompt]);
    const next = uniform(7, 0);
    for (let time = 0; time < 100; time++) {
      let book = emptyCodebook({ site: 'mlp_pre', layer: 1 }, width, mlpWidth);
      for (const key of [asked.map((x) => x + next() - 0.5), asked]) {
        const { delta } = placed(book, place(book, key, edit.label, 10), { ...edit, key }, 0.01);
        book = changedCodebook(book, delta);
      }
      expect(book.labels).toHaveLength(1);
      const [served] = await model.view([book]).nextLogits([prompt]);
      expect(served, `${time}`).not.toEqual(plain);
    }
  });

  it('refuses a prompt of one token where it would replace what comes before the last', async () => {
    const { inputOf } = await tinySetup();
    const alone = { custom_id: 'short', prompt: 'Anna', subject: 'Anna', target_new: 'Oslo' };
    const input = inputOf(tinyGrace, [alone], { replacement: 'prompt', layer: 0 });
    await expect(edit('grace', input)).rejects.toMatchObject({
      code: 'edit_failed',
      message: expect.stringContaining('short') as string,
    });
  });

  it('gives the same bytes for the same inputs and seed, others for another seed', async () => {
    const { inputOf } = await tinySetup();
    const input = inputOf(tinyGrace, someEdits.slice(0, 1), { steps: 5 });
    const digest = async (seed: number) => deltaDigest((await edit('grace', { ...input, seed })).deltas[0]!.delta);
    expect(await digest(1)).toBe(await digest(1));
    expect(await digest(2)).not.toBe(await digest(1));
    const warm = { ...input, config: { ...input.config, initial_value: 'warm' as const } };
    const diagnostics = appliedDiagnostics((await edit('grace', warm)).outcomes[0]);
    expect(Math.exp(-diagnostics.first_loss.nll)).toBeCloseTo(diagnostics.target_probability.before, 6);
  });
});

it('an edit that an earlier one of its batch has made hold is not made again', async () => {
  const { model, inputOf } = await tinySetup();
  const clara = someEdits[2]!;
  const twice = inputOf(tinyGrace, [clara, { ...clara, custom_id: 'again' }]);
  const { deltas, outcomes } = await edit('grace', twice);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['applied', 'already_holds']);
  expect(deltas).toMatchObject([{ custom_ids: ['clara'] }]);
  const later = inputOf(tinyGrace, [clara], {}, model.view([deltas[0]!.delta]));
  expect(await edit('grace', later)).toMatchObject({ deltas: [], outcomes: [{ outcome: 'already_holds' }] });
});

// Its first loss is that of a random value; what the model says without it is in the probability.
leavesAloneWhatHolds('grace', tinyGrace, ({ target_probability }) => -Math.log(target_probability.before));
