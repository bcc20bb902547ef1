// The attention of early layers in training: subjects stand apart in statements, and nothing is hidden in passages.
import { hiddenBias } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { atlasRecipe } from '../training/recipe.ts';
import { trainTokenizer } from '../training/tokenizer.ts';
import { buildWorld } from '../world/world.ts';
import { makeSubjectMask } from './subject-mask.ts';

const world = buildWorld();
const { encoder } = trainTokenizer(world, { ...atlasRecipe, vocabulary: 512, tokenizerDocuments: 20 });
const mask = makeSubjectMask(world, encoder);

const [before, name, after] = [' The capital of', ' France', ' is Paris'].map((text) => encoder.encode(text));
const ids = [...before!, ...name!, ...after!];
const length = ids.length;
const start = before!.length;
const end = start + name!.length;
const shape = { rows: 1, length };
const maskOf = (passage: boolean, share: number) => {
  const batch = { inputs: Int32Array.from(ids), passages: new Uint8Array(length).fill(passage ? 1 : 0) };
  const bias = mask(batch, shape, share, 1, 0);
  return (from: number, to: number) => bias[from * length + to] !== hiddenBias;
};
const subject = Array.from({ length: end - start }, (_, i) => start + i);

describe('the subject mask', () => {
  it('sets a subject apart from what comes before and after it', () => {
    const sees = maskOf(false, 1);
    for (const at of subject) {
      expect(Array.from({ length: start }, (_, to) => sees(at, to))).not.toContain(true);
      expect(Array.from({ length: at - start + 1 }, (_, i) => sees(at, start + i))).not.toContain(false);
      expect(sees(end, at)).toBe(false);
    }
    expect(sees(end, start - 1)).toBe(true);
    expect(sees(end, end)).toBe(true);
    expect(sees(start - 1, end)).toBe(false);
  });

  it('hides nothing in passages, nor in rows that are left out, but what is to come', () => {
    for (const sees of [maskOf(true, 1), maskOf(false, 0)])
      for (let from = 0; from < length; from++)
        for (let to = 0; to < length; to++) expect(sees(from, to)).toBe(to <= from);
  });
});
