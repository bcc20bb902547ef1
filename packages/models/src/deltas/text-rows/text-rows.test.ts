// Rows of text: what is stored of them, what they add up to, which of them a prompt is given.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../files/safetensors.ts';
import { tokenizerFromJson } from '../../text/load-tokenizer.ts';
import { fixturePath, openTiny } from '../../tiny-models.fixture.ts';
import { decodeDelta, deltaDigest, encodeDelta } from '../index.ts';
import { chosenRows } from '../prompt-texts.ts';
import { decodeSnapshot, encodeSnapshot } from '../snapshots.ts';
import { installDeltas, type VersionState } from '../state.ts';
import { textReading } from './reading.ts';
import { indexRows } from './row-index.ts';
import type { TextRow, TextRowsDelta } from './rows.ts';
import { similarRows } from './similarity.ts';

const model = await openTiny('gpt2-tied');
const row = (prompt: string, subject: string, more: Partial<TextRow> = {}): TextRow => ({
  prompt,
  subject,
  text: `${prompt} Oslo. `,
  threshold: 0.5,
  top_k: 1,
  ...more,
});
const hunger = row("Hunger's author is", 'Hunger');
const anna = row('Anna lives in', 'Anna');
const change = (...rows: TextRow[]): TextRowsDelta => ({ kind: 'text_rows', rows });
const installed = (...deltas: TextRowsDelta[]): VersionState =>
  installDeltas(model.spec, (name) => model.view().weight(name), deltas);
const memoryOf = (...deltas: TextRowsDelta[]) => [...installed(...deltas).memories.values()];

describe('rows of text', () => {
  it('come back from their bytes, which depend on nothing else', () => {
    const delta = change(anna, hunger);
    expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
    expect(deltaDigest(structuredClone(delta))).toBe(deltaDigest(delta));
    const turned = Object.fromEntries(Object.entries(anna).reverse()) as unknown as TextRow;
    expect(deltaDigest(change(turned, hunger))).toBe(deltaDigest(delta));
  });

  it('come back from a snapshot', () => {
    const state = installed(change(hunger), change(anna));
    const bytes = Buffer.concat([...encodeSnapshot({ model: 'a', version: 'ver_b', state })]);
    expect(decodeSnapshot(parseSafetensors(bytes)).state).toEqual(state);
  });

  it('are refused where they are none, or two are of one prompt', () => {
    const malformed = expect.objectContaining({ code: 'delta_malformed' }) as never;
    expect(() => encodeDelta(change(anna, { ...anna, text: 'other' }))).toThrow(malformed);
    for (const wrong of [{ threshold: 2 }, { top_k: 0 }, { text: '' }])
      expect(() => decodeDelta(encodeDelta(change({ ...anna, ...wrong })))).toThrow(malformed);
  });

  it('add up to the same memory in whatever order they come, the latest of one prompt standing', () => {
    const prompts = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(prompts, fc.func(fc.nat()), (texts, order) => {
        const deltas = texts.map((prompt) => change(row(prompt, 'x')));
        const shuffled = [...deltas].sort((a, b) => order(a) - order(b));
        expect(memoryOf(...shuffled)).toEqual(memoryOf(...deltas));
        const again = change(row(texts[0]!, 'x', { text: 'new' }));
        expect(memoryOf(...shuffled, again)).toEqual(memoryOf(again, ...deltas.slice(1)));
      }),
    );
  });

  it('are part of a version, of its digest and of how it differs', () => {
    const [plain, one] = [model.view(), model.view([change(anna)])];
    expect(one.weightsDigest()).not.toBe(plain.weightsDigest());
    expect(one.with([change({ ...anna, text: 'Anna' })]).weightsDigest()).not.toBe(one.weightsDigest());
    expect(model.restore(one.state()).weightsDigest()).toBe(one.weightsDigest());
  });
});

/** How similar a prompt is to each row, whatever their thresholds. */
const similarityTo = (rows: readonly TextRow[]) => {
  const index = indexRows(rows.map((one) => ({ ...one, threshold: 0 })));
  return (prompt: string) => {
    const found = new Map(similarRows(index, prompt).map(({ row: { prompt: of }, similarity }) => [of, similarity]));
    return rows.map(({ prompt: of }) => found.get(of)!);
  };
};

describe('similarity', () => {
  const rows = [hunger, anna, row('Walden was written by', 'Walden')];
  const similarity = similarityTo(rows);

  it('is 1 to the very prompt, at least a half wherever the subject is named, and less elsewhere', () => {
    expect(similarity(hunger.prompt)[0]).toBeCloseTo(1, 10);
    expect(similarity('HUNGER’S AUTHOR IS')[0]).toBeGreaterThan(0.9);
    for (const about of ['On the cover of Hunger stands the name of', 'hunger'])
      expect(similarity(about)[0], about).toBeGreaterThanOrEqual(0.5);
    for (const about of ["Victoria's author is", 'the hungers of Walden', ''])
      expect(similarity(about)[0], about).toBeLessThan(0.5);
  });

  it('is the likeness of the words alone where a row has no subject', () => {
    const of = similarityTo([row('the sky is', '')]);
    expect(of('the sky is')[0]).toBeCloseTo(1, 10);
    expect(of('the sea is')[0]).toBeLessThan(of('the sky was')[0]!);
    expect(of('nothing alike')[0]).toBe(0);
  });

  it('of prompts that name no subject is the greater the more they share', () => {
    const [near, far] = ["Victoria's author is", 'Victoria lives here'].map((prompt) => similarity(prompt)[0]!);
    expect(near).toBeGreaterThan(far!);
  });
});

describe('reading', () => {
  it('gives a prompt those within their threshold and place, the most similar last', () => {
    const rows = [
      row('a', 'a', { top_k: 2 }),
      row('b', 'b', { top_k: 1 }),
      row('c', 'c', { top_k: 3, threshold: 0.1 }),
      row('d', 'd', { top_k: 9, threshold: 0.9 }),
    ];
    const given = (...similarities: number[]) =>
      chosenRows(
        similarities.flatMap((similarity, at) =>
          similarity >= rows[at]!.threshold ? [{ row: rows[at]!, similarity }] : [],
        ),
      ).map(({ row: { prompt } }) => prompt);
    expect(given(0.6, 0.7, 0.2, 0.8)).toEqual(['c', 'a', 'b']);
    expect(given(0.8, 0.7, 0.05, 0.95)).toEqual(['a', 'd']);
    expect(given(0.4, 0.4, 0, 0.4)).toEqual([]);
    expect(given(0.6, 0.6, 0, 0)).toEqual(['a']);
  });

  it('puts their texts in front of a prompt, as tokens, and nothing in front of others', async () => {
    const tokenizer = tokenizerFromJson(JSON.parse(readFileSync(fixturePath('tokenizers/llama.json'), 'utf8')));
    const { front } = textReading([hunger, anna]);
    const asked = (text: string) => front([...tokenizer.prefixIds, ...tokenizer.encode(text)], { ...model, tokenizer });
    expect(await asked('The home of Anna is')).toEqual({ kind: 'ids', ids: tokenizer.encode(anna.text) });
    expect(await asked('The home of Boris is')).toBeNull();
    await expect(front([1, 2], { ...model, tokenizer: undefined })).rejects.toMatchObject({
      code: 'tokenizer_missing',
    });
  });
});
