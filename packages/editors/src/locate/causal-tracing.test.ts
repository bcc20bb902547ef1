// Causal tracing: held against a transcription in PyTorch, and what follows from what it does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCheckpoint, openModel } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type FactTrace, subjectNoise, type TracedFact, traceFact } from './causal-tracing.ts';
import { kindOf, meanEffects, recommendLayer } from './effects.ts';
import { tracedSites } from './told.ts';
import { traceFacts } from './trace-facts.ts';

const folder = fileURLToPath(new URL('../fixtures/oracle/', import.meta.url));
const grid = z.array(z.array(z.number().nullable()));
const oracle = z
  .object({
    ...{ runs: z.int(), window: z.int(), scale: z.number() },
    found: z.record(
      z.string(),
      z.object({
        ...{ ids: z.array(z.int()), subject: z.tuple([z.int(), z.int()]), answer: z.int() },
        ...{ clean: z.number(), corrupted: z.number(), restored: z.record(z.enum(tracedSites), grid) },
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(folder, 'tracing.json'), 'utf8')));

/** As the oracle makes it. */
const givenNoise = (tokens: number, width: number) =>
  Array.from({ length: oracle.runs }, (_, run) =>
    Float32Array.from({ length: tokens * width }, (_, i) => oracle.scale * Math.sin(i * 1.7 + run * 5 + 1)),
  );

describe.each(Object.keys(oracle.found))('on %s', (name) => {
  it('is what the transcription finds, whichever tokens share a run', async () => {
    const { ids, subject, answer, clean, corrupted, restored } = oracle.found[name]!;
    const model = openModel(await loadCheckpoint(join(folder, name)));
    const fact = { custom_id: 'a', ids, subject, answer } as const;
    const noise = givenNoise(subject[1] - subject[0] + 1, model.spec.width);
    // The mean over the same noise many times is the same, and takes runs of few tokens each.
    for (const times of [1, 40]) {
      const repeated = Array.from({ length: times }, () => noise).flat();
      const found = await traceFact(model.view(), fact, { noise: repeated, window: oracle.window });
      expect(found.clean).toBeCloseTo(clean, 6);
      expect(found.corrupted).toBeCloseTo(corrupted, 6);
      for (const site of tracedSites)
        for (const [layer, tokens] of restored[site]!.entries())
          for (const [at, probability] of tokens.entries())
            expect(found.restored[site][layer]![at], `${site} ${layer} ${at}`).toBeCloseTo(probability ?? corrupted, 6);
    }
  });

  it('passes over facts that the model does not know, and says so when it knows none', async () => {
    const checkpoint = await loadCheckpoint(join(folder, name));
    const model = openModel(checkpoint);
    const [view, tokenizer] = [model.view(), checkpoint.tokenizer!];
    const prompt = 'now anna lives in';
    const [logits] = await view.nextLogits([[...tokenizer.prefixIds, ...tokenizer.encode(prompt)]]);
    const said = tokenizer.decodeContinuation([logits!.indexOf(Math.max(...logits!))]).trim();
    const edit = { custom_id: 'known', prompt, subject: 'anna', target_new: said, join: 'none' } as const;
    const settings = { limit: 5, runs: 2, noise: 3, window: 1, seed: 0 };
    const others = ['a', 'in', 'the'].map((target_new) => ({ ...edit, custom_id: target_new, target_new }));
    const wrong = others.filter(({ target_new }) => target_new !== said);
    const { subject: _, ...none } = edit;
    await expect(traceFacts(view, tokenizer, [...wrong, none], settings)).rejects.toThrow(
      `the model gives the answer of none of ${wrong.length + 1} facts`,
    );
  });
});

describe('what traces say together', () => {
  const fact = (custom_id: string): TracedFact => ({ custom_id, ids: [0, 1, 2, 3, 4, 5], subject: [1, 2], answer: 0 });
  const flat = (value: number) => Array.from({ length: 4 }, () => new Array<number>(6).fill(value));
  const trace = (custom_id: string, layer: number): FactTrace => {
    const mlp = flat(0.1);
    mlp[layer]![2] = 0.9;
    return {
      custom_id,
      clean: 1,
      corrupted: 0.1,
      restored: { block_out: flat(0.1), mlp_out: mlp, attn_out: flat(0.1) },
    };
  };

  it('is told by kind of token', () => {
    expect([0, 1, 2, 3, 4, 5].map((at) => kindOf(fact('a'), at))).toEqual([
      undefined,
      'first subject token',
      'last subject token',
      'first token after',
      'further tokens',
      'last token',
    ]);
    const { mlp_out } = meanEffects({ facts: [fact('a'), fact('b')], traces: [trace('a', 1), trace('b', 2)] });
    expect(mlp_out['last subject token']!.map((x) => Number(x.toFixed(6)))).toEqual([0, 0.4, 0.4, 0]);
    expect(mlp_out['middle subject tokens']).toBeNull();
  });

  it('is the layer that brings back most, and surer the more facts agree', () => {
    const facts = ['a', 'b', 'c', 'd'].map(fact);
    const of = (layers: readonly number[]) =>
      recommendLayer({ facts, traces: layers.map((layer, i) => trace(facts[i]!.custom_id, layer)) }, 1);
    expect(of([2, 2, 2, 2])).toMatchObject({ layer: 2, sureness: 1 });
    const torn = of([0, 0, 3, 3]);
    expect(torn.sureness).toBeLessThan(0.9);
    expect(torn.effect).toBeCloseTo(0.4, 6);
  });
});

it('draws noise of the deviation that is asked for, other for every fact, and the same again', () => {
  const settings = { runs: 2, deviation: 0.5, seed: 3, fact: 0 };
  const noise = subjectNoise({ subject: [2, 9] }, 500, settings);
  expect(noise.map(({ length }) => length)).toEqual([4000, 4000]);
  const squares = noise.flatMap((one) => [...one]).reduce((sum, x) => sum + x * x, 0);
  expect(Math.sqrt(squares / 8000)).toBeCloseTo(0.5, 1);
  expect(subjectNoise({ subject: [2, 9] }, 500, settings)).toEqual(noise);
  expect(subjectNoise({ subject: [2, 9] }, 500, { ...settings, fact: 1 })[0]).not.toEqual(noise[0]);
});
