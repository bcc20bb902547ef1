// GRACE on random models: answers where it has keys, silence everywhere else, and a book that a later edit continues.
import { type CodebookDelta, deltaDigest, encodePrompt } from '@errata/models';
import { describe, expect, it } from 'vitest';
import type { EditorResult } from '../editor.ts';
import { sequenceSource } from '../locate/preparation.ts';
import { edit } from '../registry.ts';
import { layOutEdit, targetProbabilities } from '../teacher-forcing.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../testing/setups.ts';

function bookOf({ deltas }: EditorResult): CodebookDelta {
  const { delta } = deltas[0]!;
  if (delta.kind !== 'codebook') throw new Error(delta.kind);
  return delta;
}

describe.each(families)('GRACE on %s', (_family, config) => {
  it.each(['c_fc', 'c_proj'] as const)('answers its own prompts at %s and leaves others bit for bit', async (site) => {
    const { model, inputOf } = await tinySetup(config);
    const edits = someEdits.slice(0, 3);
    const result = await edit('grace', inputOf('grace', edits, { site }));
    const book = bookOf(result);
    expect(book.labels).toHaveLength(3);
    const base = model.view();
    const view = base.with([book]);
    const laidOut = edits.map((one) => layOutEdit(sequenceSource({ model }), one));
    const served = await targetProbabilities(view, laidOut);
    for (const [i, outcome] of result.outcomes.entries()) {
      const { before, after } = appliedDiagnostics(outcome).target_probability;
      expect(served[i]! / after).toBeCloseTo(1, 3);
      expect(after).toBeGreaterThan(3 * before);
    }
    const prompt = encodePrompt(model.tokenizer!, edits[0]!.prompt);
    const [answer] = await view.generate([prompt], { maxTokens: 1 });
    expect(model.tokenizer!.decode([...answer!.tokens]).trim()).toBe('Oslo');
    const elsewhere = [encodePrompt(model.tokenizer!, 'the city of Lima')];
    expect(await view.nextLogits(elsewhere)).toEqual(await base.nextLogits(elsewhere));
  });
});

describe('the GRACE editor', () => {
  it('does not grow when an edit is made again, and continues the book of its version', async () => {
    const { model, inputOf } = await tinySetup();
    const [first, second] = someEdits;
    const one = bookOf(await edit('grace', inputOf('grace', [first!])));
    const again = await edit('grace', inputOf('grace', [first!], {}, model.view([one])));
    expect(bookOf(again).labels).toEqual(one.labels);
    expect(again.outcomes[0]).toMatchObject({ diagnostics: { codebook: { action: 'widened', row: 0 } } });
    const both = bookOf(await edit('grace', inputOf('grace', [second!], {}, model.view([one]))));
    expect(both.labels).toHaveLength(2);
    expect(both.labels[0]).toBe(one.labels[0]);
    expect(both.values.slice(0, one.valueSize)).toEqual(one.values);
  });

  it('takes the newest answer to one question', async () => {
    const { model, inputOf } = await tinySetup();
    const [first] = someEdits;
    const one = bookOf(await edit('grace', inputOf('grace', [first!])));
    const corrected = { ...first!, target_new: 'Lima' };
    const result = await edit('grace', inputOf('grace', [corrected], {}, model.view([one])));
    expect(result.outcomes[0]).toMatchObject({ diagnostics: { codebook: { action: 'replaced' } } });
    const prompt = encodePrompt(model.tokenizer!, first!.prompt);
    const [answer] = await model.view([one, bookOf(result)]).generate([prompt], { maxTokens: 1 });
    expect(model.tokenizer!.decode([...answer!.tokens]).trim()).toBe('Lima');
  });

  it('gives the same bytes for the same inputs and seed, others for another seed', async () => {
    const { inputOf } = await tinySetup();
    const input = inputOf('grace', someEdits.slice(0, 1), { steps: 5 });
    const digest = async (seed: number) => deltaDigest(bookOf(await edit('grace', { ...input, seed })));
    expect(await digest(1)).toBe(await digest(1));
    expect(await digest(2)).not.toBe(await digest(1));
    const warm = { ...input, config: { ...input.config, initial_value: 'warm' as const } };
    const diagnostics = appliedDiagnostics((await edit('grace', warm)).outcomes[0]);
    expect(Math.exp(-diagnostics.first_loss.nll)).toBeCloseTo(diagnostics.target_probability.before, 6);
  });
});
