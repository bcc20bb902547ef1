// Retrieval on random models: what it puts in front of a prompt, what it leaves alone, and how its rows add up.
import { type Delta, deltaDigest, encodeDelta, encodePrompt, layOut, memoryAt, type View } from '@errata/models';
import { afterAll, describe, expect, it } from 'vitest';
import { writeTinySentenceEncoder } from '../../../../../test/support/tiny-sentence-encoder.ts';
import { localArtefacts } from '../../artefacts/local.ts';
import { sentenceEncoderNeed } from '../../artefacts/sentence-encoder/request.ts';
import { memoryArtefactStore } from '../../artefacts/store.ts';
import { edit } from '../../edit.ts';
import type { EditorResult } from '../../editor.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { retrievalSettings } from './settings.ts';
import { tinyRetrieval } from './tiny.fixture.ts';

const deltasOf = ({ deltas }: EditorResult): readonly Delta[] => deltas.map(({ delta }) => delta);

leavesAloneWhatHolds('retrieval', tinyRetrieval);

describe.each(families)('retrieval on %s', (_family, config) => {
  it('serves its prompts as if the correction stood in front of them, and others with the bits of before', async () => {
    const { model, inputOf } = await tinySetup(config);
    const tokenizer = model.tokenizer!;
    const result = await edit('retrieval', inputOf(tinyRetrieval, someEdits.slice(0, 3)));
    const [base, view] = [model.view(), model.view(deltasOf(result))];
    const [first] = someEdits;
    const front = tokenizer.encode(`${first!.prompt} ${first!.target_new}`);
    const { prefixIds } = tokenizer;
    for (const text of [first!.prompt, 'the home of Anna is']) {
      const prompt = encodePrompt(tokenizer, text);
      const whole = [...prefixIds, ...front, ...prompt.slice(prefixIds.length)];
      expect(await view.nextLogits([prompt])).toEqual(await base.nextLogits([whole]));
      const options = { maxTokens: 4 };
      expect(await view.generate([prompt], options)).toEqual(await base.generate([whole], options));
      const target = tokenizer.encode('Oslo');
      expect(await view.score([{ prompt, target }])).toEqual(await base.score([{ prompt: whole, target }]));
    }
    const elsewhere = ['the city of Lima', 'Elena plays'].map((text) => encodePrompt(tokenizer, text));
    expect(await view.nextLogits(elsewhere)).toEqual(await base.nextLogits(elsewhere));
    const among = [...elsewhere, encodePrompt(tokenizer, first!.prompt)];
    const generated = await view.generate(among, { maxTokens: 4 });
    expect(generated.slice(0, 2)).toEqual((await base.generate(among, { maxTokens: 4 })).slice(0, 2));
  });

  it('says how probable the target is with the correction in front', async () => {
    const { model, inputOf } = await tinySetup(config);
    const [one] = someEdits;
    const result = await edit('retrieval', inputOf(tinyRetrieval, [one!]));
    const { before, after } = appliedDiagnostics(result.outcomes[0]).target_probability;
    const { promptIds, targetIds } = layOut(model.tokenizer!, one!.prompt, one!.target_new);
    const probability = async (view: View) => {
      const [{ logProbs } = { logProbs: new Float32Array(0) }] = await view.score([
        { prompt: promptIds, target: targetIds },
      ]);
      return Math.exp(logProbs.reduce((sum, x) => sum + x, 0) / logProbs.length);
    };
    expect((await probability(model.view())) / before).toBeCloseTo(1, 4);
    expect((await probability(model.view(deltasOf(result)))) / after).toBeCloseTo(1, 4);
  });
});

describe('the retrieval editor', () => {
  it('leaves a small delta an edit, in whatever order, each of which can be taken away by itself', async () => {
    const { model, inputOf } = await tinySetup();
    const { deltas } = await edit('retrieval', inputOf(tinyRetrieval, someEdits));
    expect(deltas.map(({ custom_ids }) => custom_ids)).toEqual(someEdits.map(({ custom_id }) => [custom_id]));
    for (const { delta } of deltas) expect(encodeDelta(delta).byteLength).toBeLessThan(512);
    const all = deltas.map(({ delta }) => delta);
    const digest = (chosen: readonly Delta[]) => model.view(chosen).weightsDigest();
    expect(digest([...all].reverse())).toBe(digest(all));
    const [first, ...rest] = all;
    const apart = await edit('retrieval', inputOf(tinyRetrieval, someEdits.slice(1)));
    expect(apart.deltas.map(({ delta }) => deltaDigest(delta))).toEqual(rest.map(deltaDigest));
    expect(digest(rest)).not.toBe(digest([first!, ...rest]));
  });

  it('takes the newest answer to one prompt, and refuses to write down again what stands there', async () => {
    const { model, inputOf } = await tinySetup();
    const [first] = someEdits;
    const view = model.view(deltasOf(await edit('retrieval', inputOf(tinyRetrieval, [first!]))));
    const corrected = { ...first!, target_new: 'Lima' };
    const result = await edit('retrieval', inputOf(tinyRetrieval, [corrected], {}, view));
    const after = view.with(deltasOf(result));
    const direct = await edit('retrieval', inputOf(tinyRetrieval, [corrected]));
    expect(after.weightsDigest()).toBe(model.view(deltasOf(direct)).weightsDigest());
    await expect(edit('retrieval', inputOf(tinyRetrieval, [first!], {}, view))).rejects.toMatchObject({
      code: 'zero_delta',
    });
  });

  it('fails an edit whose correction leaves its prompt no room', async () => {
    const { inputOf } = await tinySetup();
    const template = '{fact} '.repeat(40);
    const { deltas, outcomes } = await edit('retrieval', inputOf({ ...tinyRetrieval, template }, [someEdits[0]!]), {
      onError: 'continue',
    });
    expect(deltas).toEqual([]);
    expect(outcomes[0]).toMatchObject({ outcome: 'failed', error: { code: 'edit_failed' } });
  });

  it('wants a place for the fact in its template', () => {
    expect(retrievalSettings.safeParse({ ...tinyRetrieval, template: 'New fact' }).success).toBe(false);
  });

  it('goes by the words alone where an edit names no subject', async () => {
    const { model, inputOf } = await tinySetup();
    const { subject: _, ...unnamed } = someEdits[0]!;
    const view = model.view(deltasOf(await edit('retrieval', inputOf(tinyRetrieval, [unnamed]))));
    const asked = (text: string) => [encodePrompt(model.tokenizer!, text)];
    expect(await view.nextLogits(asked(unnamed.prompt))).not.toEqual(
      await model.view().nextLogits(asked(unnamed.prompt)),
    );
    const other = asked('the city of Lima');
    expect(await view.nextLogits(other)).toEqual(await model.view().nextLogits(other));
  });
});

describe('retrieval by a sentence encoder', () => {
  const encoder = writeTinySentenceEncoder();
  afterAll(encoder.remove);
  const byEncoder = { ...tinyRetrieval, similarity: 'encoder', threshold: 0.9999 } as const;
  const setup = async () => {
    const { model, inputOf } = await tinySetup();
    const source = {
      model,
      digest: model.digest!,
      store: memoryArtefactStore(),
      request: { encoder: encoder.path },
    };
    const artefacts = await localArtefacts(source, [sentenceEncoderNeed]);
    return {
      model,
      made: (edits: typeof someEdits, settings: Partial<typeof tinyRetrieval> = {}, view: View = model.view()) =>
        edit('retrieval', { ...inputOf({ ...byEncoder, ...settings }, edits, {}, view), artefacts }),
    };
  };

  it('serves its prompts behind their corrections, whether edits name a subject or not, and others with the bits of before', async () => {
    const { model, made } = await setup();
    const edits = someEdits.slice(0, 3).map(({ subject: _, ...one }) => one);
    const [base, view] = [model.view(), model.view(deltasOf(await made(edits)))];
    const rows = memoryAt(view.memories, 'embedded_rows', 'prompt')!.rows;
    expect(rows.map(({ prompt }) => prompt)).toEqual(edits.map(({ prompt }) => prompt).sort());
    const { prefixIds, encode } = model.tokenizer!;
    for (const { prompt, target_new } of edits) {
      const given = encodePrompt(model.tokenizer!, prompt);
      const whole = [...prefixIds, ...encode(`${prompt} ${target_new}`), ...given.slice(prefixIds.length)];
      expect(await view.nextLogits([given])).toEqual(await base.nextLogits([whole]));
    }
    const elsewhere = [encodePrompt(model.tokenizer!, 'nobody knows the city of Paris')];
    expect(await view.nextLogits(elsewhere)).toEqual(await base.nextLogits(elsewhere));
  });

  it('leaves rows in whatever order, and refuses to write down again what stands there', async () => {
    const { model, made } = await setup();
    const all = deltasOf(await made(someEdits.slice(0, 3)));
    const digest = (chosen: readonly Delta[]) => model.view(chosen).weightsDigest();
    expect(digest([...all].reverse())).toBe(digest(all));
    expect(digest(deltasOf(await made(someEdits.slice(1, 3))))).toBe(digest(all.slice(1)));
    await expect(made([someEdits[0]!], {}, model.view(all))).rejects.toMatchObject({ code: 'zero_delta' });
  });
});
