// Rows of continuous prompts: what is stored of them, what they add up to, and what they must fit.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../files/safetensors.ts';
import type { KnowledgeEncoder } from '../../knowledge/knowledge-encoder.ts';
import { openTiny, randomArray } from '../../tiny-models.fixture.ts';
import { decodeDelta, deltaDigest, encodeDelta, rowNamesOf } from '../index.ts';
import { rowOfPrompt } from '../rows-by-prompt.ts';
import { decodeSnapshot, encodeSnapshot } from '../snapshots.ts';
import { installDeltas, memoryAt, type VersionState } from '../state.ts';
import { foundRow } from './reading.ts';
import { changedPromptRows, type PromptRow, type PromptRowsDelta } from './rows.ts';

const model = await openTiny('gpt2-tied');
const { width, context } = model.spec;
const [encoderA, encoderB] = ['a', 'b'].map((letter) => letter.repeat(64)) as [string, string];

const row = (prompt: string, answer: string, more: Partial<PromptRow> = {}): PromptRow => ({
  encoder: encoderA,
  prompt,
  text: `${prompt} ${answer}`,
  threshold: null,
  gives: 'prompts',
  representation: randomArray(6, prompt.length, 1),
  prompts: randomArray(2 * width, answer.length, 1),
  ...more,
});
const anna = row('Anna lives in', 'Oslo');
const hunger = row("Hunger's author is", 'Sophocles', { threshold: 0.5, gives: 'words' });
const change = (rows: readonly PromptRow[], renewed: readonly PromptRow[] = []): PromptRowsDelta => ({
  kind: 'prompt_rows',
  rows,
  renewed,
});
const installed = (...deltas: PromptRowsDelta[]): VersionState => installDeltas(model.spec, model.base, deltas);
const rowsOf = (...deltas: PromptRowsDelta[]) =>
  memoryAt(installed(...deltas).memories, 'prompt_rows', 'prompt')?.rows ?? [];

describe('rows of continuous prompts', () => {
  it('come back from their bytes, which depend on nothing else', () => {
    const delta = change([anna, hunger], [row('Boris plays', 'cello', { encoder: encoderB })]);
    expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
    const turned = Object.fromEntries(Object.entries(anna).reverse()) as unknown as PromptRow;
    expect(deltaDigest(change([turned]))).toBe(deltaDigest(change([anna])));
  });

  it('of different lengths lie in one delta', () => {
    const longer = row('Clara speaks', 'Polish', {
      encoder: encoderB,
      representation: randomArray(9, 1, 1),
      prompts: randomArray(3 * width, 2, 1),
    });
    expect(decodeDelta(encodeDelta(change([anna, longer])))).toEqual(change([anna, longer]));
  });

  it('add up in any order, one a prompt, the latest; taking one away leaves the others as they were', () => {
    const rows = ['Anna', 'Boris', 'Clara', 'Dmitri'].map((name) => row(`${name} lives in`, 'Oslo'));
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: 1 }), (some) => {
        const inOrder = [...some].sort((a, b) => (a.prompt < b.prompt ? -1 : 1));
        expect(rowsOf(...some.map((one) => change([one])))).toEqual(inOrder);
        const [first, ...rest] = some;
        expect(rowsOf(...rest.map((one) => change([one])))).toEqual(inOrder.filter((one) => one !== first));
        const again = { ...first!, text: 'other words' };
        expect(rowOfPrompt(rowsOf(...some.map((one) => change([one])), change([again])), first!.prompt)).toEqual(again);
      }),
    );
    expect(rowOfPrompt(rowsOf(change(rows)), 'nobody lives in')).toBeUndefined();
  });

  it('that were read anew take the place of those that say the same, and nothing else', () => {
    const anew = { ...anna, encoder: encoderB, representation: randomArray(4, 8, 1) };
    expect(rowsOf(change([anna]), change([hunger], [anew]))).toEqual([anew, hunger]);
    expect(rowsOf(change([hunger], [anew]))).toEqual([hunger]);
    // An edit that renews the row of another does not speak for it.
    expect(rowNamesOf(change([hunger], [anew]))).toEqual(rowNamesOf(change([hunger])));
    expect(rowNamesOf(change([anew]))).toEqual(rowNamesOf(change([anna])));
    const corrected = { ...anna, text: 'Anna lives in Lima' };
    expect(rowsOf(change([corrected]), change([hunger], [anew]))).toEqual([corrected, hunger]);
  });

  it('are part of a version, of its digest and of its snapshots', () => {
    const [plain, one] = [model.view(), model.view([change([anna])])];
    expect(one.weightsDigest()).not.toBe(plain.weightsDigest());
    expect(one.weightsDigest()).not.toBe(model.view([change([{ ...anna, prompts: hunger.prompts }])]).weightsDigest());
    const state = installed(change([hunger]), change([anna]));
    const bytes = Buffer.concat([...encodeSnapshot({ model: 'm', version: 'v', state })]);
    const { state: read } = decodeSnapshot(parseSafetensors(bytes, 'snapshot'));
    expect(read).toEqual(state);
    expect(model.restore(read).weightsDigest()).toBe(model.restore(state).weightsDigest());
  });

  it('must be of the width of the model, and leave room for a text', () => {
    const misfit = { code: 'delta_misfit' };
    expect(() => model.view([change([{ ...anna, prompts: randomArray(width + 1, 1, 1) }])])).toThrow(
      expect.objectContaining(misfit),
    );
    expect(() => model.view([change([{ ...anna, prompts: randomArray(context * width, 1, 1) }])])).toThrow(
      expect.objectContaining(misfit),
    );
  });

  it('that do not fit together are no delta', () => {
    const malformed = expect.objectContaining({ code: 'delta_malformed' });
    expect(() => encodeDelta(change([anna, { ...anna, text: 'twice' }]))).toThrow(malformed);
    expect(() => encodeDelta(change([{ ...anna, prompts: new Float32Array(0) }]))).toThrow(malformed);
    expect(() => encodeDelta(change([{ ...anna, representation: new Float32Array(0) }]))).toThrow(malformed);
    const text = Buffer.from(encodeDelta(change([anna]))).toString('latin1');
    const shorter = Buffer.from(text.replace('[6,', '[5,'), 'latin1');
    expect(() => decodeDelta(shorter)).toThrow(malformed);
  });

  it('cannot be read by a model without a tokenizer, or without their encoder', async () => {
    const view = model.view([change([anna])]);
    await expect(view.nextLogits([[1, 2]])).rejects.toMatchObject({ code: 'tokenizer_missing' });
  });
});

describe('the search among rows of continuous prompts', () => {
  const sentinel = randomArray(8, 999, 0.2);
  const told = (query: Float32Array) =>
    ({ query: async () => query, sentinel: async () => sentinel }) as unknown as KnowledgeEncoder;
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.sqrt(8);

  /** What looking at every row finds, in the order of prompts. */
  function lookedAt(rows: readonly PromptRow[], query: Float32Array) {
    let best: { row: PromptRow; score: number; over: number } | null = null;
    for (const encoder of new Set(rows.map((one) => one.encoder))) {
      const own = rows.filter((one) => one.encoder === encoder);
      const nearest = own.reduce((a, b) => (dot(b.representation, query) > dot(a.representation, query) ? b : a));
      const score = dot(nearest.representation, query);
      const over = score - (nearest.threshold ?? dot(sentinel, query));
      const ahead = over - (best?.over ?? 0);
      if (over > 0 && (ahead > 0 || (ahead === 0 && nearest.prompt < best!.row.prompt)))
        best = { row: nearest, score, over };
    }
    return best;
  }

  it('finds what looking at every row finds, however the memory came about', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const oneOf = fc.record({ name: fc.constantFrom(...names), like: fc.nat(12), other: fc.boolean() });
    const step = fc.record({
      from: fc.nat(),
      rows: fc.uniqueArray(oneOf, { selector: ({ name }) => name, maxLength: 4 }),
      renewed: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), fc.nat(50), async (steps, asked) => {
        const query = randomArray(8, 100 + asked, 1);
        const versions: (readonly PromptRow[])[] = [[]];
        for (const { from, rows, renewed } of steps) {
          const before = versions[from % versions.length]!;
          await foundRow(before, 'asked', async () => told(query));
          const made = rows.map(({ name, like, other }) =>
            row(name, 'x', { representation: randomArray(8, like, 1), encoder: other ? encoderB : encoderA }),
          );
          const delta = renewed ? change(made.slice(1), made) : change(made);
          versions.push(changedPromptRows(before, delta).rows);
        }
        for (const version of versions) {
          const found = await foundRow(version, 'asked', async () => told(query));
          const expected = lookedAt(version, query);
          expect(found?.row ?? null).toEqual(expected?.row ?? null);
          if (found !== null) expect(found.score).toBeCloseTo(expected!.score, 6);
        }
      }),
    );
  });
});
