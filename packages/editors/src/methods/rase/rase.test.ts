// RASE on random models: patches answer the prompts that the gate lets through to them, each its own in one batch, and no other prompt moves.
import { type Delta, encodePrompt, memoryAt, type PatchRow, type PatchRowsDelta, rowNamesOf } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import type { EditorResult } from '../../editor.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyRase, tinyRPatcher } from './tiny.fixture.ts';

const deltasOf = ({ deltas }: EditorResult): readonly Delta[] => deltas.map(({ delta }) => delta);
const rowsOf = ({ deltas }: EditorResult): readonly PatchRow[] =>
  deltas.flatMap(({ delta }) => (delta as PatchRowsDelta).rows);
const change = (...rows: readonly PatchRow[]): PatchRowsDelta => ({ kind: 'patch_rows', rows });
const options = { maxTokens: 6 };

leavesAloneWhatHolds('rase', tinyRase);

describe.each(families)('RASE on %s', (_family, config) => {
  it('answers each prompt of a batch with its own patch, or none, as the version with that patch alone does', async () => {
    const { model, inputOf } = await tinySetup(config);
    const rows = rowsOf(await edit('rase', inputOf(tinyRase, someEdits.slice(0, 3))));
    const earlier = deltasOf(
      await edit('r-rome', inputOf({ ...tinyRase, solve_for: 'offset' }, someEdits.slice(3, 4))),
    );
    const ask = (text: string) => encodePrompt(model.tokenizer!, text);
    const spoken = async (text: string) => (await model.view([change(...rows)]).speaking(ask(text)))!;
    const scores = await Promise.all(rows.map(({ prompt }) => spoken(prompt)));
    const away = 'the old red city of Lima';
    const threshold = Math.max((await spoken(away)).score, Math.min(...scores.map(({ score }) => score)) - 1e-3);
    const base = model.view(earlier);
    const view = base.with([change(...rows.map((row) => ({ ...row, threshold })))]);
    const texts = [away, ...rows.map(({ prompt }) => prompt), away];
    const prompts = texts.map(ask);
    const found = await Promise.all(prompts.map((prompt) => view.speaking(prompt)));
    expect(found.some((one) => one !== null)).toBe(true);
    expect([found[0], found.at(-1)]).toEqual([null, null]);
    const names = new Map(rows.map((row) => [rowNamesOf(change({ ...row, threshold }))[0]!, row]));
    const alone = found.map((one) => {
      if (one === null) return base;
      const { patch, numbers } = names.get(one.row)!;
      const [part] = patch;
      if (part?.kind !== 'low_rank') throw new Error('ROME leaves a change of low rank');
      const { kind, tensor, rank } = part;
      const left = numbers.slice(0, part.in * rank);
      return base.with([{ kind, tensor, rank, left, right: numbers.slice(part.in * rank) }]);
    });
    const expected = await Promise.all(alone.map((one, at) => one.generate([prompts[at]!], options)));
    const written = await view.generate(prompts, options);
    expect(written.map(({ tokens }) => tokens)).toEqual(expected.map(([one]) => one!.tokens));
    expect(await view.nextLogits([prompts[0]!])).toEqual(await base.nextLogits([prompts[0]!]));
    const target = model.tokenizer!.encode('Oslo');
    const all = await view.score(prompts.map((prompt) => ({ prompt, target })));
    for (const [at, prompt] of prompts.entries())
      expect(all[at]!.logProbs[0]!).toBeCloseTo((await alone[at]!.score([{ prompt, target }]))[0]!.logProbs[0]!, 4);
    expect((await view.perplexity(prompts[1]!)).perplexity).toBe((await base.perplexity(prompts[1]!)).perplexity);
  });
});

it('takes neurons for patches, of one edit as if there were no other', async () => {
  const { model, inputOf } = await tinySetup();
  const edits = someEdits.slice(0, 2);
  const rows = rowsOf(await edit('r-patcher', inputOf(tinyRPatcher, edits)));
  expect(rowsOf(await edit('r-patcher', inputOf(tinyRPatcher, edits.toReversed()))).toReversed()).toEqual(rows);
  const prompt = encodePrompt(model.tokenizer!, edits[0]!.prompt);
  const view = model.view([change(rows[0]!)]);
  expect(await view.nextLogits([prompt])).not.toEqual(await model.view().nextLogits([prompt]));
  const [written] = await view.generate([prompt], options);
  const [scored] = await view.score([{ prompt, target: written!.tokens }]);
  expect([...scored!.best]).toEqual([...written!.tokens]);
});

describe('the RASE editor', () => {
  it('leaves rows that do not depend on one another, each of which can be taken away by itself', async () => {
    const { model, inputOf } = await tinySetup();
    const result = await edit('rase', inputOf(tinyRase, someEdits.slice(0, 3)));
    const all = deltasOf(result);
    const digest = (chosen: readonly Delta[]) => model.view(chosen).weightsDigest();
    expect(digest(all.toReversed())).toBe(digest(all));
    const without = await edit('rase', inputOf(tinyRase, someEdits.slice(1, 3)));
    expect(digest(deltasOf(without))).toBe(digest(all.slice(1)));
    expect(digest([])).toBe(model.view().weightsDigest());
    const { target_probability } = appliedDiagnostics(result.outcomes[0]);
    expect(target_probability.after).toBeGreaterThan(target_probability.before);
  });

  it('takes the newest answer to one prompt, and leaves no patch where the model says it without one', async () => {
    const { model, inputOf } = await tinySetup();
    const [first] = someEdits;
    const view = model.view(deltasOf(await edit('rase', inputOf(tinyRase, [first!]))));
    const corrected = { ...first!, target_new: 'Lima' };
    const again = view.with(deltasOf(await edit('rase', inputOf(tinyRase, [corrected], {}, view))));
    expect(memoryAt(again.memories, 'patch_rows', 'prompt')!.rows).toHaveLength(1);
    expect(again.weightsDigest()).toBe(
      model.view(deltasOf(await edit('rase', inputOf(tinyRase, [corrected])))).weightsDigest(),
    );
    await expect(edit('rase', inputOf(tinyRase, [first!], {}, view))).rejects.toMatchObject({ code: 'zero_delta' });
  });
});
