// LTE on random models: who is answered behind which correction and under the alignment, and what is left when it is taken back.
import {
  type AlignedRowsDelta,
  type Delta,
  decodeDelta,
  encodeDelta,
  encodePrompt,
  memoryAt,
  rowNamesOf,
} from '@errata/models';
import { describe, expect, it } from 'vitest';
import { builder } from '../../artefacts/alignment/build.ts';
import { alignmentNeed, frontOf } from '../../artefacts/alignment/request.ts';
import { edit } from '../../edit.ts';
import type { EditorResult } from '../../editor.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { families, someEdits, tinySetup } from '../setups.fixture.ts';
import { tinyLte } from './tiny.fixture.ts';

const deltasOf = ({ deltas }: EditorResult): readonly Delta[] => deltas.map(({ delta }) => delta);
const options = { maxTokens: 4 };

leavesAloneWhatHolds('lte', tinyLte);

describe.each(families)('LTE on %s', (_family, config) => {
  it('answers what a correction is about behind it under the alignment, and all else as before, prompt by prompt in one batch', async () => {
    const { model, artefacts, inputOf } = await tinySetup(config);
    const [anna, boris] = someEdits;
    const deltas = deltasOf(await edit('lte', inputOf(tinyLte, [anna!, boris!])));
    const { stored } = await artefacts.read(builder, alignmentNeed);
    const [base, view, aligned] = [model.view(), model.view(deltas), model.view(stored.deltas)];
    const { prefixIds, encode } = model.tokenizer!;
    const ask = (text: string) => encodePrompt(model.tokenizer!, text);
    const away = ask('the old red city of Lima');
    const behind = ({ prompt, target_new }: { readonly prompt: string; readonly target_new: string }) => [
      ...prefixIds,
      ...encode(frontOf(`${prompt} ${target_new}`)),
      ...ask(prompt).slice(prefixIds.length),
    ];
    const expected = [
      (await base.generate([away], options))[0]!,
      (await aligned.generate([behind(anna!)], options))[0]!,
      (await aligned.generate([behind(boris!)], options))[0]!,
    ];
    const prompts = [away, ask(anna!.prompt), ask(boris!.prompt)];
    expect((await view.generate(prompts, options)).map(({ tokens }) => tokens)).toEqual(
      expected.map(({ tokens }) => tokens),
    );
    expect((await view.nextLogits([away]))[0]).toEqual((await base.nextLogits([away]))[0]);
    const spoken = await view.speaking(prompts[1]!);
    expect(spoken).toMatchObject({ row: rowNamesOf(deltas[0]!)[0], threshold: tinyLte.threshold });
    expect(await view.speaking(away)).toBeNull();
    expect((await view.perplexity(away)).perplexity).toBe((await base.perplexity(away)).perplexity);
  });
});

describe('the LTE editor', () => {
  it('leaves a row an edit, in whatever order, that comes back from its bytes and can be taken away by itself', async () => {
    const { model, inputOf } = await tinySetup();
    const all = deltasOf(await edit('lte', inputOf(tinyLte, someEdits)));
    for (const delta of all) expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
    const digest = (chosen: readonly Delta[]) => model.view(chosen).weightsDigest();
    expect(digest(all.toReversed())).toBe(digest(all));
    expect(digest(all.slice(1))).toBe(digest(deltasOf(await edit('lte', inputOf(tinyLte, someEdits.slice(1))))));
    expect(digest([])).toBe(model.view().weightsDigest());
    const view = model.view(all);
    const corrected = { ...someEdits[0]!, target_new: 'Lima' };
    const after = view.with(deltasOf(await edit('lte', inputOf(tinyLte, [corrected], {}, view))));
    expect(memoryAt(after.memories, 'aligned_rows', 'prompt')!.rows).toHaveLength(someEdits.length);
    await expect(edit('lte', inputOf(tinyLte, [someEdits[0]!], {}, view))).rejects.toMatchObject({
      code: 'zero_delta',
    });
    const wrong = {
      ...(all[0] as AlignedRowsDelta),
      rows: [{ ...(all[0] as AlignedRowsDelta).rows[0]!, alignment: 'a' }],
    };
    expect(() => decodeDelta(encodeDelta(wrong))).toThrow(expect.objectContaining({ code: 'delta_malformed' }));
  });
});
