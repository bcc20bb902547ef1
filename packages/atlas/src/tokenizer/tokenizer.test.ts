// The tokenizer: deterministic, reversible, and read alike by the project's loader.
import { tokenizerFromFiles } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { atlasRecipe } from '../training/recipe.ts';
import { textDocuments, trainTokenizer } from '../training/tokenizer.ts';
import { buildWorld } from '../world/world.ts';
import { byteCharacters } from './byte-level.ts';
import { trainBpe } from './train-bpe.ts';

const world = buildWorld();
const recipe = { ...atlasRecipe, vocabulary: 2048, tokenizerDocuments: 500 };
const trained = trainTokenizer(world, recipe);
const loaded = tokenizerFromFiles((name) => trained.files.get(name), 'trained');

describe('byte-level BPE', () => {
  it('merges the most frequent pair first and breaks ties by spelling', () => {
    const { merges } = trainBpe(
      new Map([
        ['ab', 3],
        ['cd', 3],
        ['abab', 1],
      ]),
      257 + 3,
    );
    expect(merges).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('has all bytes, and as many tokens as were asked for', () => {
    expect(new Set(byteCharacters).size).toBe(256);
    expect(trained.bpe.vocabulary.size).toBe(2048);
    expect(new Set(trained.bpe.vocabulary.values()).size).toBe(2048);
  });

  it('is the same for the same world', () => {
    expect(trainTokenizer(world, recipe).files).toEqual(trained.files);
  });

  it('encodes as the loaded tokenizer does, and decodes to the text', () => {
    for (const text of [...textDocuments(world, 200, 'test', 1), ' naïve café, 東京 & more\n\n', " it's"]) {
      const ids = trained.encoder.encode(text);
      expect(loaded.encode(text)).toEqual(ids);
      expect(loaded.decode(ids)).toBe(text);
    }
  });

  it('puts a space before a text that has none, so that a name is the same tokens everywhere', () => {
    expect(loaded.encode('France is')).toEqual(loaded.encode(' France is'));
    expect(loaded.eosId).toBe(trained.encoder.endOfTextId);
  });
});
