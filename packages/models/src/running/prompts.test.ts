// What is put in front of prompts: tokens, or the embeddings that these tokens have, give what a longer prompt gives.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PromptReading } from '../deltas/reading.ts';
import { tokenizerFromJson } from '../text/load-tokenizer.ts';
import { expectedOutputs, fixturePath, openTiny, tinyModels } from '../tiny-models.fixture.ts';
import { activations } from './activations.ts';
import { type Forward, makeForward } from './forward.ts';
import { generate } from './generate.ts';
import type { Model } from './model.ts';
import { makePrefixCache } from './prefixes.ts';
import { limitsFor, makeProgramCache, type ProgramCache } from './program-cache.ts';
import { reply } from './reply.ts';
import { makeRunningBatch, usualLimits } from './running-batch.ts';
import { nextLogits, perplexity, score } from './score.ts';

describe.each(tinyModels)('%s', (name) => {
  const { sequences } = expectedOutputs(name);
  let model: Model;
  let programs: ProgramCache;
  const weight = (tensor: string) => model.view().weight(tensor);
  beforeAll(async () => {
    model = await openTiny(name);
    programs = makeProgramCache(model.spec, weight, limitsFor(0));
  });
  afterAll(async () => {
    await programs.release();
    await model.release();
  });

  /** Something of its own for each prompt, and nothing for every third of them. */
  const frontOf = (prompt: readonly number[]): readonly number[] | null => {
    const place = sequences.findIndex((sequence) => sequence.join() === prompt.join());
    return place % 3 === 2 ? null : [5 + place, 9, ...(place === 0 ? [] : [2 + place])];
  };
  const longer = (prompt: readonly number[]) => [...(frontOf(prompt) ?? []), ...prompt];
  const asIds: PromptReading = {
    at: 'prompt',
    front: async (prompt) => {
      const ids = frontOf(prompt);
      return ids === null ? null : { kind: 'ids', ids };
    },
  };
  const asEmbeddings: PromptReading = {
    at: 'prompt',
    front: async (prompt, { spec: { width, tokenEmbedding } }) => {
      const table = weight(tokenEmbedding);
      const ids = frontOf(prompt);
      const embeddings = ids?.flatMap((id) => [...table.subarray(id * width, (id + 1) * width)]);
      return embeddings === undefined ? null : { kind: 'embeddings', embeddings: Float32Array.from(embeddings) };
    },
  };
  const forwardWith = (...readings: readonly PromptReading[]): Forward => {
    const { spec, tokenizer, contents, base } = model;
    return makeForward({
      spec,
      tokenizer,
      contents,
      base,
      programs,
      readings,
      weight,
      inputs: new Set(),
      undrawable: [],
    });
  };

  const continued = (forward: Forward, prompts: readonly (readonly number[])[], options: { maxTokens: number }) => {
    const own = { kind: 'low_rank', layers: new Map<number, never>() } as const;
    const version = { forward, actsOnPrompts: false, own };
    const batch = makeRunningBatch({
      spec: model.spec,
      base: weight,
      forwardWith: () => forwardWith(),
      prefixes: makePrefixCache(0),
      limits: usualLimits,
    });
    return generate(
      batch,
      model.spec,
      prompts.map((prompt) => ({ version, prompt })),
      options,
    );
  };

  const targets = [
    [1, 2, 3],
    [4, 5],
  ];
  const scored = sequences.map((prompt, i) => ({ prompt, target: targets[i % 2]! }));
  const replied = sequences.map((prompt) => ({ prompt, targets, tokens: 5 }));
  const sampled = { maxTokens: 6, temperature: 1, seed: 3 };
  const withPrompts = <T extends { readonly prompt: readonly number[] }>(items: readonly T[]) =>
    items.map((item) => ({ ...item, prompt: longer(item.prompt) }));

  it.each([
    ['tokens', asIds],
    ['embeddings', asEmbeddings],
  ] as const)('reads %s in front of each prompt, and of no other', async (_, reading) => {
    const [plain, acting] = [forwardWith(), forwardWith(reading)];
    const all = sequences.map(longer);
    expect(await score(acting, scored)).toEqual(await score(plain, withPrompts(scored)));
    expect(await nextLogits(acting, sequences)).toEqual(await nextLogits(plain, all));
    expect(await continued(acting, sequences, sampled)).toEqual(await continued(plain, all, sampled));
    expect(await reply(acting, replied)).toEqual(await reply(plain, withPrompts(replied)));
    for (const prompt of sequences) {
      const [alone] = await continued(acting, [prompt], { maxTokens: 6 });
      const [longest] = await continued(plain, [longer(prompt)], { maxTokens: 6 });
      expect(alone).toEqual(longest);
    }
    const wanted = [
      { site: 'block_out', layer: 0 },
      { site: 'logits', layer: model.spec.layers - 1 },
    ] as const;
    const own = all.map(({ length }, i) => {
      const from = length - sequences[i]!.length;
      return sequences[i]!.map((_, t) => from + t);
    });
    expect(await activations(acting, sequences, wanted, 'all')).toEqual(await activations(plain, all, wanted, own));
    expect(await perplexity(acting, sequences.flat())).toEqual(await perplexity(plain, sequences.flat()));
  });

  it('puts what several memories give in front in their order', async () => {
    const both = forwardWith(asEmbeddings, asIds);
    const all = sequences.map((prompt) => [...(frontOf(prompt) ?? []), ...longer(prompt)]);
    expect(await nextLogits(both, sequences)).toEqual(await nextLogits(forwardWith(), all));
  });

  it('keeps what is put in front behind the ids that every text begins with', async () => {
    const { spec, contents, base } = model;
    const tokenizer = tokenizerFromJson(JSON.parse(readFileSync(fixturePath('tokenizers/llama.json'), 'utf8')));
    expect(tokenizer.prefixIds).toEqual([1]);
    const front: PromptReading = { at: 'prompt', front: async () => ({ kind: 'ids', ids: [8, 9] }) };
    const acting = makeForward({
      spec,
      tokenizer,
      contents,
      base,
      programs,
      readings: [front],
      weight,
      inputs: new Set(),
      undrawable: [],
    });
    const prompts = [[1, 3, 2], [3, 2], [1]];
    const all = [
      [1, 8, 9, 3, 2],
      [8, 9, 3, 2],
      [1, 8, 9],
    ];
    expect(await nextLogits(acting, prompts)).toEqual(await nextLogits(forwardWith(), all));
    const at = [{ site: 'embed', layer: 0 }] as const;
    expect(await activations(acting, prompts, at, 'all')).toEqual(
      await activations(forwardWith(), all, at, [[0, 3, 4], [2, 3], [0]]),
    );
  });

  it('counts what is put in front against what the model holds', async () => {
    const { context } = model.spec;
    const fill: PromptReading = {
      at: 'prompt',
      front: async () => ({ kind: 'ids', ids: new Array<number>(context - 4).fill(1) }),
    };
    const acting = forwardWith(fill);
    const tooLong = expect.objectContaining({
      code: 'sequence_too_long',
      what: `it has 5 tokens and ${context - 4} that a memory puts in front of it, the model holds ${context}`,
    });
    await expect(score(acting, [{ prompt: [1, 2, 3], target: [4, 5] }])).rejects.toEqual(tooLong);
    await expect(reply(acting, [{ prompt: [1, 2], targets: [[4], [3, 4, 5]], tokens: 1 }])).rejects.toEqual(tooLong);
    await expect(nextLogits(acting, [[1, 2, 3, 4, 5]])).rejects.toEqual(tooLong);
    const [{ tokens, finish } = { tokens: [], finish: '' }] = await continued(acting, [[1, 2]], { maxTokens: 9 });
    expect([tokens.length, finish]).toEqual([2, 'length']);
    expect((await score(acting, [{ prompt: [1, 2], target: [4, 5] }]))[0]!.best).toHaveLength(2);
  });
});
