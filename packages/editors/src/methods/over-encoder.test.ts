// Editors on random models whose prompts an encoder reads: those that edit them do, the others say why they do not.
import { ErrataError } from '@errata/contracts';
import { decodeDelta, encodeDelta, encoderDecoderSpec, layOut } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { localArtefacts } from '../artefacts/local.ts';
import { secondMomentOf } from '../artefacts/second-moment/request.ts';
import { memoryArtefactStore } from '../artefacts/store.ts';
import { type EditorName, editorNames, overEncoderTypes, resolveConfig } from '../catalogue.ts';
import type { EditorSettings } from '../description.ts';
import { edit } from '../edit.ts';
import { tinyBart, tinyT5 } from '../tiny-model.fixture.ts';
import { tinyCaliNet } from './calinet/tiny.fixture.ts';
import { tinyFtAttn, tinyFtFull, tinyFtL, tinyFtM } from './fine-tune/tiny.fixture.ts';
import { tinyGrace } from './grace/tiny.fixture.ts';
import { tinyLora } from './lora/tiny.fixture.ts';
import { tinyRetrieval } from './retrieval/tiny.fixture.ts';
import { appliedDiagnostics, someEdits, tinySetup } from './setups.fixture.ts';

/** Editors with settings that let a random model be moved. */
const moving: Partial<Record<EditorName, EditorSettings>> = {
  'ft-m': tinyFtM,
  'ft-l': { ...tinyFtL, norm_constraint: 0.1, objective: 'target_new' },
  'ft-attn': { ...tinyFtAttn, norm_constraint: null },
  'ft-full': tinyFtFull,
  lora: tinyLora,
  calinet: tinyCaliNet,
  grace: tinyGrace,
};

describe.each([
  ['t5', tinyT5],
  ['bart', tinyBart],
] as const)('editing a tiny %s', (_family, config) => {
  it.each(Object.keys(moving) as EditorName[])(
    '%s makes its targets likely, and leaves what is read back',
    async (name) => {
      const { model, inputOf } = await tinySetup(config);
      const edits = someEdits.slice(0, 2);
      const { deltas, outcomes } = await edit(name, inputOf(moving[name]!, edits));
      const before = model.view();
      const edited = model.view(deltas.map(({ delta }) => decodeDelta(encodeDelta(delta))));
      expect(edited.weightsDigest()).not.toBe(before.weightsDigest());
      for (const outcome of outcomes) {
        const { target_probability } = appliedDiagnostics(outcome);
        expect(target_probability.after).toBeGreaterThan(target_probability.before);
      }
      // What the editor says of its work is what the version does, scored and written.
      for (const [i, { prompt, target_new }] of edits.entries()) {
        const { promptIds: ids, targetIds: target } = layOut(model.tokenizer!, prompt, target_new);
        const [score] = await edited.score([{ prompt: ids, target }]);
        const probability = Math.exp(score!.logProbs.reduce((a, b) => a + b, 0) / target.length);
        const { after } = appliedDiagnostics(outcomes[i]).target_probability;
        expect(probability).toBeCloseTo(after, name === 'grace' ? 1 : 4);
        const [written] = await edited.generate([ids], { maxTokens: 1 });
        expect(written!.tokens[0]).toBe(score!.best[0]);
      }
    },
  );

  it('retrieval puts a fact in front of what the encoder reads', async () => {
    const { model, inputOf } = await tinySetup(config);
    const [first] = someEdits;
    const { deltas } = await edit('retrieval', inputOf(tinyRetrieval, [first!]));
    const edited = model.view(deltas.map(({ delta }) => delta));
    const { promptIds, targetIds: target } = layOut(model.tokenizer!, first!.prompt, first!.target_new);
    const whole = [...model.tokenizer!.encode('Anna lives in Oslo'), ...promptIds];
    const item = (prompt: readonly number[]) => [{ prompt, target }];
    expect(await edited.score(item(promptIds))).toEqual(await model.view().score(item(whole)));
    const options = { maxTokens: 4 };
    expect(await edited.generate([promptIds], options)).toEqual(await model.view().generate([whole], options));
  });
});

it('editors that were worked out for decoders refuse other models, and say why', () => {
  const refused = editorNames.flatMap((name) => {
    try {
      resolveConfig(name, { model_type: 't5', layers: 4, width: 24 }, undefined, {});
      return [];
    } catch (error) {
      if (!(error instanceof ErrataError)) throw error;
      expect(error.code).toBe('unsupported_model');
      expect(error.message).toMatch(/^[\w-]+ does not edit t5 models: its? .*; ft-m, .* do$/);
      return [name];
    }
  });
  expect(refused).toContain('r-rome');
  expect(editorNames.filter((name) => !refused.includes(name))).toEqual(
    expect.arrayContaining([...Object.keys(moving), 'retrieval', 'ike', 'given']),
  );
});

it('artefacts that are made of what a decoder has at the tokens of a text are refused', async () => {
  const { model } = await tinySetup(tinyT5);
  const source = { model, digest: model.digest!, store: memoryArtefactStore() };
  await expect(localArtefacts(source, [secondMomentOf(1)])).rejects.toMatchObject({ code: 'unsupported_model' });
});

it('knows the families that have an encoder', () => {
  for (const { model_type, ...rest } of [tinyT5, tinyBart]) {
    expect(overEncoderTypes).toContain(model_type);
    expect(encoderDecoderSpec({ model_type, ...rest }).family).toBe(model_type);
  }
  expect(overEncoderTypes).toHaveLength(2);
});
