// IKE: what it shows in front of a prompt, to which prompts, and how its rows add up.
import { type Delta, encodePrompt, memoryAt, type View } from '@errata/models';
import { describe, expect, it } from 'vitest';
import type { Demonstration } from '../../artefacts/demonstrations/demonstrations.ts';
import { edit } from '../../edit.ts';
import type { EditorResult } from '../../editor.ts';
import { tinyTokenizer } from '../../tiny-tokenizer.fixture.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { families, someEdits, tinySetup } from '../setups.fixture.ts';
import { frontOf, mixedKinds, openPool } from './demonstrate.ts';
import { ikeSettings } from './settings.ts';
import { tinyIke } from './tiny.fixture.ts';

leavesAloneWhatHolds('ike', tinyIke);

const tokenizer = tinyTokenizer();
const about = (subject: string, home: string): Demonstration => ({
  prompt: `${subject} lives in`,
  subject,
  target_new: home,
  rephrases: [`the home of ${subject} is`, `${subject} was born in`],
  neighbours: [{ prompt: `the city of ${subject} is`, target: 'Lima' }],
});
const [boris, clara, dmitri] = [about('Boris', 'Rome'), about('Clara', 'Kyoto'), about('Dmitri', 'Paris')];
const [anna] = someEdits;

describe('the kinds of demonstrations', () => {
  it('are as many of each as are wanted, in every part of them in about their ratio', () => {
    const count = (kinds: readonly string[], kind: string) => kinds.filter((one) => one === kind).length;
    const all = mixedKinds({ copy: 4, update: 12, retain: 16 });
    expect(all).toHaveLength(32);
    for (let length = 1; length <= 32; length++) {
      const some = all.slice(0, length);
      for (const [kind, share] of [
        ['copy', 1 / 8],
        ['update', 3 / 8],
        ['retain', 1 / 2],
      ] as const)
        expect(Math.abs(count(some, kind) - share * length), `${kind} of ${length}`).toBeLessThanOrEqual(1);
    }
    expect(all.filter((kind) => kind === 'copy')).toHaveLength(4);
    expect(mixedKinds({ copy: 0, update: 2, retain: 0 })).toEqual(['update', 'update']);
    expect(mixedKinds({ copy: 0, update: 0, retain: 0 })).toEqual([]);
  });
});

describe('what is shown', () => {
  const template = 'Fact: {fact} Prompt: {prompt}';
  const config = { ...tinyIke, template, separator: '; ', copy: 1, update: 1, retain: 1 };
  const pool = openPool(tokenizer, [clara, boris, { ...dmitri, prompt: 'the language of Dmitri is' }]);

  it('is a demonstration of each kind, the most similar last, and the correction up to the prompt', () => {
    expect(mixedKinds(config)).toEqual(['retain', 'update', 'copy']);
    expect(frontOf(tokenizer, pool, anna!, config, 1000)).toBe(
      'Fact: the language of Dmitri is Paris Prompt: the language of Dmitri is Paris; ' +
        'Fact: Clara lives in Kyoto Prompt: Clara was born in Kyoto; ' +
        'Fact: Boris lives in Rome Prompt: the city of Boris is Lima; ' +
        'Fact: Anna lives in Oslo Prompt: ',
    );
    expect(frontOf(tokenizer, pool, anna!, { ...config, update: 0, copy: 0, own: true }, 1000)).toBe(
      'Fact: Boris lives in Rome Prompt: the city of Boris is Lima; ' +
        'Fact: Anna lives in Oslo Prompt: Anna lives in Oslo; Fact: Anna lives in Oslo Prompt: ',
    );
  });

  it('is never about the prompt or the subject that is corrected', () => {
    const own = openPool(tokenizer, [about('Anna', 'Rome'), { ...boris, prompt: anna!.prompt }, clara]);
    const front = frontOf(tokenizer, own, anna!, config, 1000);
    expect(front).toContain('Clara');
    expect(front).not.toMatch(/Rome|Boris/);
  });

  it('leaves out the least similar ones where all do not fit', () => {
    const whole = frontOf(tokenizer, pool, anna!, config, 1000);
    const tokens = tokenizer.encode(whole).length;
    expect(frontOf(tokenizer, pool, anna!, config, tokens)).toBe(whole);
    const less = frontOf(tokenizer, pool, anna!, config, tokens - 1);
    expect(whole.endsWith(less)).toBe(true);
    expect(less).toBe(whole.slice(whole.indexOf('Fact: Clara')));
    expect(frontOf(tokenizer, pool, anna!, config, 1)).toBe('Fact: Anna lives in Oslo Prompt: ');
  });
});

const rowsOf = (view: View) => memoryAt(view.memories, 'text_rows', 'prompt')?.rows ?? [];
const deltasOf = ({ deltas }: EditorResult): readonly Delta[] => deltas.map(({ delta }) => delta);

describe.each(families)('IKE on %s', (_family, config) => {
  it('serves prompts within its threshold as if all of it stood in front of them, others with the bits of before', async () => {
    const { model, inputOf } = await tinySetup(config);
    const result = await edit('ike', inputOf(tinyIke, someEdits.slice(0, 3)));
    const [base, view] = [model.view(), model.view(deltasOf(result))];
    const text = rowsOf(view).find(({ subject }) => subject === 'Anna')!.text;
    expect(text.endsWith('Anna lives in Oslo . ')).toBe(true);
    expect(text.split(' . ').length).toBeGreaterThan(4);
    const { prefixIds } = model.tokenizer!;
    const prompt = encodePrompt(model.tokenizer!, 'the home of Anna is');
    const whole = [...prefixIds, ...model.tokenizer!.encode(text), ...prompt.slice(prefixIds.length)];
    expect(await view.nextLogits([prompt])).toEqual(await base.nextLogits([whole]));
    const elsewhere = [encodePrompt(model.tokenizer!, 'the city of Lima')];
    expect(await view.nextLogits([...elsewhere, prompt])).toEqual([
      ...(await base.nextLogits(elsewhere)),
      ...(await view.nextLogits([prompt])),
    ]);
    const everywhere = await edit('ike', inputOf(tinyIke, someEdits.slice(0, 1), { threshold: 0 }));
    expect(await model.view(deltasOf(everywhere)).nextLogits(elsewhere)).not.toEqual(await base.nextLogits(elsewhere));
  });
});

describe('the IKE editor', () => {
  it('leaves rows in whatever order, each of which can be taken away by itself', async () => {
    const { model, inputOf } = await tinySetup();
    const all = deltasOf(await edit('ike', inputOf(tinyIke, someEdits.slice(0, 3))));
    const digest = (chosen: readonly Delta[]) => model.view(chosen).weightsDigest();
    expect(digest([...all].reverse())).toBe(digest(all));
    const apart = deltasOf(await edit('ike', inputOf(tinyIke, someEdits.slice(1, 3))));
    expect(digest(apart)).toBe(digest(all.slice(1)));
  });

  it('wants a place for the fact, and the prompt at the end', () => {
    for (const template of ['{prompt}', '{fact}', '{prompt} {fact}'])
      expect(ikeSettings.safeParse({ ...tinyIke, template }).success).toBe(false);
  });
});
