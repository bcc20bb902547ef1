// The shipped model: what its card says is what it does, and its files come from the source as it is.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint, openModel } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawEdits, toJsonl } from '../edits/edit-set.ts';
import { atlasDirectory, corpusText, demonstrationsText } from '../model-files.ts';
import { atlasRecipe } from '../training/recipe.ts';
import { trainTokenizer } from '../training/tokenizer.ts';
import { buildWorld } from '../world/world.ts';
import { type Measurements, modelCard } from './card.ts';
import { measureRecall, questionSets, shareOf } from './recall.ts';

const read = (name: string) => readFileSync(join(atlasDirectory, name), 'utf8');
const world = buildWorld();
const measured = JSON.parse(read('measurements.json')) as Measurements;
const checkpoint = await loadCheckpoint(atlasDirectory);
const model = openModel(checkpoint);
checkpoint.close();
afterAll(() => model.release());

describe('the shipped model', () => {
  it('is small enough to be shipped', () => {
    expect(statSync(join(atlasDirectory, 'model.safetensors')).size).toBeLessThanOrEqual(16 * 2 ** 20);
  });

  it('was trained by the recipe in the source, on the world in the source', () => {
    expect(JSON.parse(read('training.json'))).toEqual({ recipe: atlasRecipe });
    expect(read('tokenizer.json')).toBe(trainTokenizer(world, atlasRecipe).files.get('tokenizer.json'));
    expect(read('corpus.txt')).toBe(corpusText(world, atlasRecipe.seed));
    expect(read('edits.jsonl')).toBe(toJsonl(drawEdits(world, 100, 1)));
    expect(read('demonstrations.jsonl')).toBe(demonstrationsText(world));
  });

  it('has a card that was written from measurements of these very weights', () => {
    expect(measured.weightsDigest).toBe(checkpoint.weightsDigest);
    expect(read('README.md')).toBe(modelCard(world, atlasRecipe, measured));
  });

  it('meets what is asked of it, by its own measurements', () => {
    const of = (name: string) => shareOf(measured.recall[name]!);
    expect(of('trained phrasings')).toBeGreaterThanOrEqual(0.97);
    expect(of('held-out phrasings')).toBeGreaterThanOrEqual(0.9);
    expect(of('a stated new fact is followed')).toBeGreaterThanOrEqual(0.8);
  });

  describe('asked again', () => {
    let again: Awaited<ReturnType<typeof measureRecall>>;
    beforeAll(async () => {
      again = await measureRecall(model.view(), checkpoint.tokenizer!, questionSets(world, 120));
    });
    it('answers a sample as its card says', () => {
      for (const [name, share] of again) {
        const expected = shareOf(measured.recall[name]!);
        // Four standard errors of a sample this small, and one question besides.
        const slack = 4 * Math.sqrt((expected * (1 - expected)) / share.asked) + 1 / share.asked;
        expect(Math.abs(shareOf(share) - expected), name).toBeLessThanOrEqual(slack);
      }
    });
  });
});
