// The shipped models: what a card says is what a model does, and its files come from the source as it is.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, loadCheckpoint, type Model, openModel } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editorDefaults } from '../editor-defaults.ts';
import { drawEdits, toJsonl } from '../edits/edit-set.ts';
import { atlasDirectory, corpusText, demonstrationsText, t5Directory } from '../model-files.ts';
import { recipes } from '../training/recipe.ts';
import { trainTokenizer } from '../training/tokenizer.ts';
import { buildWorld } from '../world/world.ts';
import { type Measurements, modelCard } from './card.ts';
import { measureRecall, questionSets, shareOf } from './recall.ts';

const world = buildWorld();
const shipped = [
  {
    name: 'atlas',
    directory: atlasDirectory,
    recipe: recipes.gpt2,
    largest: 16,
    asked: { 'a stated new fact is followed': 0.8 },
  },
  { name: 'atlas-t5', directory: t5Directory, recipe: recipes.t5, largest: 10, asked: {} },
];

describe.each(shipped)('the shipped $name', ({ directory, recipe, largest, asked }) => {
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const measured = JSON.parse(read('measurements.json')) as Measurements;
  let checkpoint: Checkpoint;
  let model: Model;
  beforeAll(async () => {
    checkpoint = await loadCheckpoint(directory);
    model = openModel(checkpoint);
    checkpoint.close();
  });
  afterAll(() => model.release());

  it('is small enough to be shipped', () => {
    expect(statSync(join(directory, 'model.safetensors')).size).toBeLessThanOrEqual(largest * 2 ** 20);
  });

  it('was trained by the recipe in the source, on the world in the source', () => {
    expect(JSON.parse(read('training.json'))).toEqual({ recipe });
    expect(read('tokenizer.json')).toBe(trainTokenizer(world, recipe).files.get('tokenizer.json'));
    expect(read('corpus.txt')).toBe(corpusText(world, recipe.seed));
    expect(read('demonstrations.jsonl')).toBe(demonstrationsText(world));
  });

  it('has a card that was written from measurements of these very weights', () => {
    expect(measured.weightsDigest).toBe(checkpoint.weightsDigest);
    expect(read('README.md')).toBe(modelCard(world, recipe, measured));
  });

  it('meets what is asked of it, by its own measurements', () => {
    const of = (name: string) => shareOf(measured.recall[name]!);
    expect(of('trained phrasings')).toBeGreaterThanOrEqual(0.97);
    expect(of('held-out phrasings')).toBeGreaterThanOrEqual(0.9);
    for (const [name, share] of Object.entries(asked)) expect(of(name), name).toBeGreaterThanOrEqual(share);
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

it('comes with edits that are drawn from its world', () => {
  expect(readFileSync(join(atlasDirectory, 'edits.jsonl'), 'utf8')).toBe(toJsonl(drawEdits(world, 100, 1)));
});

it('brings the settings that training it again would write', () => {
  const { editors } = JSON.parse(readFileSync(join(atlasDirectory, 'errata.json'), 'utf8')) as { editors: unknown };
  expect(editors).toEqual(editorDefaults);
});
