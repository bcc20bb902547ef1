// SERAC on random models: who answers which prompt, how its rows add up, and what is left of them when they are taken back.
import {
  type Delta,
  deltaDigest,
  encodeDelta,
  encodePrompt,
  type Model,
  memoryAt,
  rowNamesOf,
  type ScopedRow,
  type ScopedRowsDelta,
} from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import type { EditorResult } from '../../editor.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinySerac } from './tiny.fixture.ts';

const deltasOf = ({ deltas }: EditorResult): readonly Delta[] => deltas.map(({ delta }) => delta);
const rowsOf = ({ deltas }: EditorResult): readonly ScopedRow[] =>
  deltas.flatMap(({ delta }) => (delta as ScopedRowsDelta).rows);
const change = (...rows: readonly ScopedRow[]): ScopedRowsDelta => ({ kind: 'scoped_rows', rows });

leavesAloneWhatHolds('serac', tinySerac);

const ask = (model: Model, text: string) => encodePrompt(model.tokenizer!, text);

describe.each(families)('SERAC on %s', (_family, config) => {
  /** A memory of one correction whose scope is what lies as near as its own prompt. */
  async function scoped() {
    const { model, inputOf } = await tinySetup(config);
    const [row] = rowsOf(await edit('serac', inputOf(tinySerac, [someEdits[0]!])));
    const view = model.view([change({ ...row!, threshold: 0 })]);
    const own = (await view.speaking(ask(model, 'Anna lives in')))!.score;
    const away = (await view.speaking(ask(model, 'the old red city of Lima')))!.score;
    expect(own).not.toBe(away);
    const [inside, outside] =
      own > away ? ['Anna lives in', 'the old red city of Lima'] : ['the old red city of Lima', 'Anna lives in'];
    return { model, inside, outside, view: model.view([change({ ...row!, threshold: (own + away) / 2 })]) };
  }

  it('has the counterfactual model answer in scope, and out of it gives the tokens of before, prompt by prompt in one batch', async () => {
    const { model, inside, outside, view } = await scoped();
    const base = model.view();
    const prompts = [outside, inside, outside, inside].map((text) => ask(model, text));
    const [away, own] = [prompts[0]!, prompts[1]!];
    const options = { maxTokens: 6 };
    const [ofBase] = await base.generate([away], options);
    const [ofOther] = await view.generate([own], options);
    expect(ofOther!.tokens).not.toEqual((await base.generate([own], options))[0]!.tokens);
    const tokens = (await view.generate(prompts, options)).map((one) => one.tokens);
    expect(tokens).toEqual([ofBase!.tokens, ofOther!.tokens, ofBase!.tokens, ofOther!.tokens]);
    const together = await model.generate(
      [
        { view: base, prompt: own },
        { view, prompt: own },
      ],
      options,
    );
    expect(together.map((one) => one.tokens)).toEqual([
      (await base.generate([own], options))[0]!.tokens,
      ofOther!.tokens,
    ]);

    const logits = await view.nextLogits([own, away]);
    expect(logits[1]).toEqual((await base.nextLogits([away]))[0]);
    expect(logits[0]).not.toEqual((await base.nextLogits([own]))[0]);
    const target = model.tokenizer!.encode('Oslo');
    const scores = await view.score([own, away].map((prompt) => ({ prompt, target })));
    expect(scores[1]).toEqual((await base.score([{ prompt: away, target }]))[0]);
    const replies = await view.reply([own, away].map((prompt) => ({ prompt, targets: [target], tokens: 6 })));
    expect(replies.map(({ greedy }) => greedy)).toEqual([ofOther!.tokens, ofBase!.tokens]);
    expect(replies[0]!.scores[0]!.logProbs[0]!).toBeCloseTo(scores[0]!.logProbs[0]!, 4);
  });

  it('says which correction answers, and how likely in scope the prompt is', async () => {
    const { model, inside, outside, view } = await scoped();
    const [delta] = view.deltas;
    const spoken = await view.speaking(ask(model, inside));
    expect(spoken).toMatchObject({ row: rowNamesOf(delta!)[0] });
    expect(spoken!.score).toBeGreaterThan(spoken!.threshold);
    expect(await view.speaking(ask(model, outside))).toBeNull();
  });

  it('says how probable the target is to whoever answers', async () => {
    const { model, inputOf } = await tinySetup(config);
    const [one] = someEdits;
    const result = await edit('serac', inputOf(tinySerac, [one!]));
    const { after } = appliedDiagnostics(result.outcomes[0]).target_probability;
    const target = model.tokenizer!.encode(` ${one!.target_new}`);
    const [score] = await model.view(deltasOf(result)).score([{ prompt: ask(model, one!.prompt), target }]);
    expect(Math.exp(score!.logProbs.reduce((sum, x) => sum + x, 0) / target.length) / after).toBeCloseTo(1, 4);
  });
});

describe('the scope of a correction', () => {
  it('is told by the nearest alone, or by those that are read together with the prompt', async () => {
    const { model, inputOf } = await tinySetup();
    const rows = rowsOf(await edit('serac', inputOf(tinySerac, someEdits)));
    const prompt = ask(model, 'Clara speaks');
    const speaking = (more: Partial<ScopedRow>) =>
      model.view([change(...rows.map((row) => ({ ...row, ...more })))]).speaking(prompt);
    const nearest = await speaking({});
    // Each alone: the nearest is the likeliest.
    const alone = await Promise.all(rows.map(async (row) => (await model.view([change(row)]).speaking(prompt))!));
    expect(nearest!.score).toBeCloseTo(Math.max(...alone.map(({ score }) => score)), 9);
    const pairs = (candidates: number) => speaking({ classifier: 'pairs', candidates });
    const likeliest = await pairs(rows.length);
    const each = await Promise.all(
      rows.map(async (row) => (await model.view([change({ ...row, classifier: 'pairs' })]).speaking(prompt))!.score),
    );
    expect(likeliest!.score).toBeCloseTo(Math.max(...each), 5);
    // Of one candidate it is the nearest that is asked.
    const only = await pairs(1);
    expect(JSON.parse(only!.row)).toMatchObject({ prompt: JSON.parse(nearest!.row).prompt });
    expect(await speaking({ threshold: 1 })).toBeNull();
  });
});

describe('the SERAC editor', () => {
  it('leaves a small delta an edit, the same one by one as together and in whatever order, each of which can be taken away by itself', async () => {
    const { model, inputOf } = await tinySetup();
    const { deltas } = await edit('serac', inputOf(tinySerac, someEdits));
    expect(deltas.map(({ custom_ids }) => custom_ids)).toEqual(someEdits.map(({ custom_id }) => [custom_id]));
    for (const { delta } of deltas) expect(encodeDelta(delta).byteLength).toBeLessThan(1024);
    const all = deltas.map(({ delta }) => delta);
    const digest = (chosen: readonly Delta[]) => model.view(chosen).weightsDigest();
    expect(digest([...all].reverse())).toBe(digest(all));
    const [first, ...rest] = all;
    const apart = await edit('serac', inputOf(tinySerac, someEdits.slice(1)));
    expect(apart.deltas.map(({ delta }) => deltaDigest(delta))).toEqual(rest.map(deltaDigest));
    expect(digest(rest)).not.toBe(digest([first!, ...rest]));
    expect(digest([])).toBe(model.view().weightsDigest());
  });

  it('takes the newest answer to one prompt, and refuses to write down again what stands there', async () => {
    const { model, inputOf } = await tinySetup();
    const [first] = someEdits;
    const view = model.view(deltasOf(await edit('serac', inputOf(tinySerac, [first!]))));
    const corrected = { ...first!, target_new: 'Lima' };
    const after = view.with(deltasOf(await edit('serac', inputOf(tinySerac, [corrected], {}, view))));
    expect(memoryAt(after.memories, 'scoped_rows', 'prompt')!.rows).toHaveLength(1);
    const direct = await edit('serac', inputOf(tinySerac, [corrected]));
    expect(after.weightsDigest()).toBe(model.view(deltasOf(direct)).weightsDigest());
    await expect(edit('serac', inputOf(tinySerac, [first!], {}, view))).rejects.toMatchObject({ code: 'zero_delta' });
  });

  it('fails an edit whose correction leaves its prompt no room', async () => {
    const { inputOf } = await tinySetup();
    const long = { ...someEdits[0]!, prompt: `${'the old '.repeat(30)}${someEdits[0]!.prompt}` };
    const { deltas, outcomes } = await edit('serac', inputOf(tinySerac, [long]), { onError: 'continue' });
    expect(deltas).toEqual([]);
    expect(outcomes[0]).toMatchObject({ outcome: 'failed', error: { code: 'edit_failed' } });
  });
});
