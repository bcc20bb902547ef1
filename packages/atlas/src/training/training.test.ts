// The training loop: it learns, and a run that was killed ends in the same weights as one that was not.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeDocuments } from '../corpus/documents.ts';
import { makeExamples } from '../corpus/examples.ts';
import { buildWorld } from '../world/world.ts';
import { atlasRecipe, type DecoderRecipe, recipes, schedule } from './recipe.ts';
import { trainTokenizer } from './tokenizer.ts';
import { train } from './train.ts';

const recipe: DecoderRecipe = {
  ...atlasRecipe,
  layers: 2,
  width: 16,
  heads: 2,
  mlpWidth: 32,
  context: 24,
  vocabulary: 512,
  tokenizerDocuments: 50,
  rows: 2,
  steps: 8,
  warmupSteps: 2,
  checkpointEvery: 3,
};
const world = buildWorld();
const tokenizer = trainTokenizer(world, recipe);
const directory = mkdtempSync(join(tmpdir(), 'atlas-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('training', () => {
  it('goes on from its stored state to the same weights, bit for bit', async () => {
    const whole = await train(world, tokenizer, recipe, { statePath: join(directory, 'whole') });
    expect(whole.finished).toBe(true);

    const stop = new AbortController();
    const statePath = join(directory, 'parts');
    const first = await train(world, tokenizer, recipe, {
      statePath,
      signal: stop.signal,
      onProgress: ({ step }) => step === 5 && stop.abort(),
    });
    expect(first.finished).toBe(false);
    const steps: number[] = [];
    const second = await train(world, tokenizer, recipe, { statePath, onProgress: ({ step }) => steps.push(step) });
    expect(steps).toEqual([6, 7, 8]);
    expect(second.weights).toEqual(whole.weights);
  });

  it('learns an encoder-decoder, each example by itself, and goes on alike', async () => {
    const sizes = { layers: 1, width: 16, heads: 2, mlpWidth: 32, context: 48, outputContext: 24, rows: 2 };
    const t5 = { ...recipes.t5, ...sizes, vocabulary: 512, steps: 30, warmupSteps: 5, checkpointEvery: 10 };
    const losses: number[] = [];
    const onProgress = ({ answerLoss }: { readonly answerLoss: number }) => losses.push(answerLoss);
    const whole = await train(world, tokenizer, t5, { statePath: join(directory, 't5'), onProgress });
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    const stop = new AbortController();
    const statePath = join(directory, 't5 parts');
    await train(world, tokenizer, t5, {
      statePath,
      signal: stop.signal,
      onProgress: ({ step }) => step === 12 && stop.abort(),
    });
    expect((await train(world, tokenizer, t5, { statePath })).weights).toEqual(whole.weights);

    const batch = makeExamples(
      makeDocuments(world),
      tokenizer.encoder,
      { rows: 2, inputLength: 96, outputLength: 48 },
      t5.examples,
      1,
      0,
    );
    // Whoever says something attends to what was read for it, and to nothing behind it.
    for (let row = 0; row < 2; row++)
      for (let at = 0; at < 48; at++) {
        const line = row * 48 + at;
        const read = batch.crossBias.subarray(line * 96, (line + 1) * 96).filter((x) => x === 0).length;
        const later = batch.bias.subarray(line * 48 + at + 1, (line + 1) * 48);
        expect(read > 0).toBe(batch.weights[line]! > 0 || batch.targets[line] !== 0);
        expect(later.every((x) => x !== 0)).toBe(true);
      }
  });

  it('starts afresh where the stored state is of another recipe', async () => {
    const steps: number[] = [];
    await train(
      world,
      tokenizer,
      { ...recipe, steps: 2, seed: 9 },
      { statePath: join(directory, 'whole'), onProgress: ({ step }) => steps.push(step) },
    );
    expect(steps).toEqual([1, 2]);
  });
});

describe('the schedule', () => {
  it('warms up, holds and falls to zero', () => {
    const shares = Array.from({ length: atlasRecipe.steps }, (_, step) => schedule(atlasRecipe, step));
    expect(shares[0]).toBeCloseTo(1 / atlasRecipe.warmupSteps);
    expect(Math.max(...shares)).toBe(1);
    expect(shares.at(-1)).toBeLessThan(0.002);
  });
});
