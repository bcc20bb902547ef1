// RECIPE on random models: what it puts in front of a prompt and when, how its rows add up, and what becomes of them under another encoder.
import {
  type Delta,
  deltaDigest,
  encodeDelta,
  encodePrompt,
  heldKnowledgeEncoder,
  layOut,
  type Model,
  memoryAt,
  type PromptRow,
  type PromptRowsDelta,
  rowNamesOf,
} from '@errata/models';
import { describe, expect, it } from 'vitest';
import { openArtefacts } from '../../artefacts/artefacts.ts';
import { knowledgeEncoderOf } from '../../artefacts/knowledge-encoder/request.ts';
import { randomKnowledgeEncoder } from '../../artefacts/knowledge-encoder/tiny.fixture.ts';
import { edit } from '../../edit.ts';
import type { EditorResult } from '../../editor.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyRecipe } from './tiny.fixture.ts';

const deltasOf = ({ deltas }: EditorResult): readonly Delta[] => deltas.map(({ delta }) => delta);
const rowOf = ({ deltas }: EditorResult): PromptRow => (deltas[0]!.delta as PromptRowsDelta).rows[0]!;
const change = (...rows: readonly PromptRow[]): PromptRowsDelta => ({ kind: 'prompt_rows', rows, renewed: [] });

leavesAloneWhatHolds('recipe', tinyRecipe);

/** Embeddings of tokens as they lie in the model's table. */
function embeddingsOf(model: Model, ids: readonly number[]): Float32Array {
  const { width, tokenEmbedding } = model.spec;
  const table = model.base(tokenEmbedding);
  return Float32Array.from(ids.flatMap((id) => [...table.subarray(id * width, (id + 1) * width)]));
}

describe.each(families)('RECIPE on %s', (_family, config) => {
  const ask = (model: Model, text: string) => encodePrompt(model.tokenizer!, text);

  it('puts prompts where tokens would be: before the text, with their positions, masks and caches, in batches of unlike lengths', async () => {
    const { model, inputOf } = await tinySetup(config);
    const tokenizer = model.tokenizer!;
    const row = rowOf(await edit('recipe', inputOf(tinyRecipe, [someEdits[0]!])));
    // With the embeddings of tokens for prompts it is as if these tokens were there.
    const words = tokenizer.encode('the old city');
    const view = model.view([change({ ...row, prompts: embeddingsOf(model, words) })]);
    const base = model.view();
    const prompts = ['Anna lives in', 'nobody knows Boris plays the old red'].map((text) => ask(model, text));
    const whole = prompts.map((prompt) => {
      const { prefixIds } = tokenizer;
      return [...prefixIds, ...words, ...prompt.slice(prefixIds.length)];
    });
    const options = { maxTokens: 6 };
    expect(await view.generate(prompts, options)).toEqual(await base.generate(whole, options));
    expect(await view.nextLogits(prompts)).toEqual(await base.nextLogits(whole));
    const target = tokenizer.encode('Oslo Lima');
    const scored = (asked: typeof prompts) => asked.map((prompt) => ({ prompt, target }));
    expect(await view.score(scored(prompts))).toEqual(await base.score(scored(whole)));
  });

  it('looks a correction up by the prompt alone, whatever answer is scored', async () => {
    const { model, inputOf } = await tinySetup(config);
    const result = await edit('recipe', inputOf(tinyRecipe, someEdits.slice(0, 3)));
    const view = model.view(deltasOf(result));
    const prompt = ask(model, 'Clara speaks');
    // What is asked first of a longer continuation is what is asked of a shorter one: another answer finds no other row.
    const [first] = await view.score([{ prompt, target: model.tokenizer!.encode('Oslo Oslo') }]);
    for (const answer of ['Oslo Polish', 'Oslo cello drums']) {
      const [other] = await view.score([{ prompt, target: model.tokenizer!.encode(answer) }]);
      expect(other!.logProbs[0]!).toBeCloseTo(first!.logProbs[0]!, 4);
    }
  });

  it('says how probable the target is with its prompts in front', async () => {
    const { model, inputOf } = await tinySetup(config);
    const [one] = someEdits;
    const result = await edit('recipe', inputOf(tinyRecipe, [one!]));
    const { after } = appliedDiagnostics(result.outcomes[0]).target_probability;
    const { promptIds, targetIds } = layOut(model.tokenizer!, one!.prompt, one!.target_new);
    const [score] = await model.view(deltasOf(result)).score([{ prompt: promptIds, target: targetIds }]);
    expect(Math.exp(score!.logProbs.reduce((sum, x) => sum + x, 0) / targetIds.length) / after).toBeCloseTo(1, 4);
  });
});

describe('the row of a correction', () => {
  const asked = async (
    threshold: number | null,
    representation: (sentinel: Float32Array, query: Float32Array) => Float32Array,
  ) => {
    const { model, inputOf } = await tinySetup();
    const row = rowOf(await edit('recipe', inputOf(tinyRecipe, [someEdits[0]!])));
    const encoder = await heldKnowledgeEncoder(model, row.encoder);
    const text = 'Clara speaks';
    const query = await encoder.query(text);
    const crafted = { ...row, threshold, representation: representation(await encoder.sentinel(), query) };
    const prompt = [encodePrompt(model.tokenizer!, text)];
    const [edited] = await model.view([change(crafted)]).nextLogits(prompt);
    const [plain] = await model.view().nextLogits(prompt);
    return { given: !edited!.every((x, i) => x === plain![i]), query };
  };
  const shifted = (sentinel: Float32Array, query: Float32Array, by: number) =>
    sentinel.map((x, i) => x + by * query[i]!);

  it('is given where it is strictly more like the prompt than the sentinel is, and else every bit is as before', async () => {
    expect((await asked(null, (sentinel) => sentinel)).given).toBe(false);
    expect((await asked(null, (sentinel, query) => shifted(sentinel, query, 0.01))).given).toBe(true);
    expect((await asked(null, (sentinel, query) => shifted(sentinel, query, -0.01))).given).toBe(false);
  });

  it('is held to a threshold of its own where there is no sentinel', async () => {
    // r_q · r_q / √16 = 4 for a representation of that length.
    const ofScore4 = (_: Float32Array, query: Float32Array) => {
      const square = query.reduce((sum, x) => sum + x * x, 0);
      return query.map((x) => (16 * x) / square);
    };
    expect((await asked(3.99, ofScore4)).given).toBe(true);
    expect((await asked(4.01, ofScore4)).given).toBe(false);
  });

  it('is found among others by the greatest score, each prompt of a batch by itself', async () => {
    const { model, inputOf } = await tinySetup();
    const rows = deltasOf(await edit('recipe', inputOf(tinyRecipe, someEdits.slice(0, 2)))).map(
      (delta) => (delta as PromptRowsDelta).rows[0]!,
    );
    const encoder = await heldKnowledgeEncoder(model, rows[0]!.encoder);
    const texts = ['Anna lives in', 'Boris plays the'];
    const queries = await Promise.all(texts.map((text) => encoder.query(text)));
    const crafted = rows.map((row, i) => ({ ...row, threshold: null, representation: queries[i]!.map((x) => 10 * x) }));
    const view = model.view([change(...crafted)]);
    const prompts = [...texts, 'the city of Lima'].map((text) => encodePrompt(model.tokenizer!, text));
    const together = await view.nextLogits(prompts);
    for (const [at, prompt] of prompts.entries()) {
      const [alone] = await model.view(at < 2 ? [change(crafted[at]!)] : []).nextLogits([prompt]);
      if (at < 2) expect(Math.max(...together[at]!.map((x, i) => Math.abs(x - alone![i]!)))).toBeLessThan(1e-4);
      const spoken = await view.speaking(prompt);
      if (at < 2) {
        expect([spoken!.row]).toEqual(rowNamesOf(change(crafted[at]!)));
        expect(spoken!.score).toBeGreaterThan(spoken!.threshold);
      }
    }
  });
});

describe('the RECIPE editor', () => {
  it('leaves a row an edit, in whatever order, each of which can be taken away by itself', async () => {
    const { model, inputOf } = await tinySetup();
    const { deltas } = await edit('recipe', inputOf(tinyRecipe, someEdits));
    expect(deltas.map(({ custom_ids }) => custom_ids)).toEqual(someEdits.map(({ custom_id }) => [custom_id]));
    for (const { delta } of deltas) expect(encodeDelta(delta).byteLength).toBeLessThan(1200);
    const all = deltas.map(({ delta }) => delta);
    const digest = (chosen: readonly Delta[]) => model.view(chosen).weightsDigest();
    expect(digest([...all].reverse())).toBe(digest(all));
    const [first, ...rest] = all;
    const apart = await edit('recipe', inputOf(tinyRecipe, someEdits.slice(1)));
    expect(apart.deltas.map(({ delta }) => deltaDigest(delta))).toEqual(rest.map(deltaDigest));
    expect(digest(rest)).not.toBe(digest([first!, ...rest]));
  });

  it('takes the newest answer to one prompt, and refuses to write down again what stands there', async () => {
    const { model, inputOf } = await tinySetup();
    const [first] = someEdits;
    const view = model.view(deltasOf(await edit('recipe', inputOf(tinyRecipe, [first!]))));
    const corrected = { ...first!, target_new: 'Lima' };
    const after = view.with(deltasOf(await edit('recipe', inputOf(tinyRecipe, [corrected], {}, view))));
    const direct = await edit('recipe', inputOf(tinyRecipe, [corrected]));
    expect(after.weightsDigest()).toBe(model.view(deltasOf(direct)).weightsDigest());
    await expect(edit('recipe', inputOf(tinyRecipe, [first!], {}, view))).rejects.toMatchObject({ code: 'zero_delta' });
  });

  it('gives the words of the correction where it is to do without continuous prompts', async () => {
    const { model, inputOf } = await tinySetup();
    const tokenizer = model.tokenizer!;
    const [one] = someEdits;
    const result = await edit('recipe', inputOf({ ...tinyRecipe, continuous_prompts: false }, [one!]));
    const words = tokenizer.encode(layOut(tokenizer, one!.prompt, one!.target_new).text);
    const prompt = encodePrompt(tokenizer, 'Clara speaks');
    expect(await model.view(deltasOf(result)).nextLogits([prompt])).toEqual(
      await model.view().nextLogits([[...words, ...prompt]]),
    );
  });

  it('reads the rows of a version anew where its encoder was trained again, and leaves those alone that were taken away', async () => {
    const { model, inputOf } = await tinySetup();
    const [first, second, third] = someEdits;
    const earlier = deltasOf(await edit('recipe', inputOf(tinyRecipe, [first!, second!])));
    const view = model.view(earlier);
    const bytes = await randomKnowledgeEncoder(model, 3, 8);
    const artefacts = openArtefacts(model.digest!, [{ need: knowledgeEncoderOf(3), read: async () => bytes }]);
    const [delta] = deltasOf(await edit('recipe', { ...inputOf(tinyRecipe, [third!], {}, view), artefacts }));
    const rows = (deltas: readonly Delta[]) => memoryAt(model.view(deltas).memories, 'prompt_rows', 'prompt')!.rows;
    const fresh = await edit('recipe', { ...inputOf(tinyRecipe, [first!, second!, third!]), artefacts });
    expect(rows([...earlier, delta!])).toEqual(rows(deltasOf(fresh)));
    const [olds, news] = [rows(earlier)[0]!.encoder, rows(deltasOf(fresh))[0]!.encoder];
    expect(news).not.toBe(olds);
    expect(
      rows([earlier[1]!, delta!])
        .map(({ prompt }) => prompt)
        .sort(),
    ).toEqual([second!.prompt, third!.prompt].sort());
    // Taken back, the rows are as they were; a version with rows of both is read with both.
    expect(rows(earlier).map(({ encoder }) => encoder)).toEqual([olds, olds]);
    const mixed = model.view([earlier[0]!, ...deltasOf(fresh).slice(1)]);
    expect(new Set(rows(mixed.deltas).map(({ encoder }) => encoder))).toEqual(new Set([olds, news]));
    await mixed.nextLogits([encodePrompt(model.tokenizer!, 'Anna lives in')]);
  });

  it('cannot be read without the encoder of its rows, and says so', async () => {
    const { model, inputOf } = await tinySetup();
    const row = rowOf(await edit('recipe', inputOf(tinyRecipe, [someEdits[0]!])));
    const view = model.view([change({ ...row, encoder: 'f'.repeat(64) })]);
    await expect(view.nextLogits([encodePrompt(model.tokenizer!, 'Anna lives in')])).rejects.toMatchObject({
      code: 'content_missing',
    });
  });

  it('fails an edit whose prompts leave its own prompt no room', async () => {
    const { inputOf } = await tinySetup();
    const long = { ...someEdits[0]!, prompt: `Anna ${'lives '.repeat(60)}in` };
    const { deltas, outcomes } = await edit('recipe', inputOf(tinyRecipe, [long, someEdits[1]!]), {
      onError: 'continue',
    });
    expect(deltas.length).toBe(1);
    expect(outcomes[0]).toMatchObject({ outcome: 'failed' });
  });
});
