// The training text: seeded, weighted, and silent about what is held out.
import { describe, expect, it } from 'vitest';
import { seeded } from '../random.ts';
import { buildWorld, fill } from '../world/world.ts';
import { makeDocuments } from './documents.ts';
import { otherObject } from './passages.ts';

const world = buildWorld();
const source = makeDocuments(world);
const documents = (seed: number, count: number) => {
  const random = seeded('test', seed);
  return Array.from({ length: count }, () => source.draw(random).pieces);
};
const text = (pieces: readonly { readonly text: string }[]) => pieces.map((piece) => piece.text).join('');

describe('documents', () => {
  it('are the same for the same seed and others for another', () => {
    expect(documents(1, 200)).toEqual(documents(1, 200));
    expect(documents(1, 200)).not.toEqual(documents(2, 200));
  });

  it('are made of pieces that begin where words begin', () => {
    const drawn = documents(3, 2000);
    expect(drawn.every((pieces) => pieces[0]!.text.startsWith(' '))).toBe(true);
    const odd = drawn.flat().filter((piece) => !/^( \S|\.$|\n$|[A-Z[])/.test(piece.text));
    expect(odd).toEqual([]);
  });

  it('never show a fact in a phrasing held out for it', () => {
    const heldOut = new Set<string>();
    const said = new Set<string>();
    for (const fact of world.facts)
      for (const [index, phrasing] of fact.relation.phrasings.entries())
        (fact.heldOut.includes(index) ? heldOut : said).add(` ${fill(phrasing, fact.subject)} ${fact.object}.`);
    const sentences = documents(4, 4000).flatMap((document) => text(document).match(/ [^.]+\./g) ?? []);
    expect(sentences.filter((sentence) => heldOut.has(sentence))).toEqual([]);
    expect(sentences.filter((sentence) => said.has(sentence)).length).toBeGreaterThan(1000);
  });

  it('give no weight to stated objects and full weight to answers', () => {
    const stated = documents(5, 3000).flat();
    expect(stated.some(({ weight }) => weight === 0)).toBe(true);
    expect(stated.some(({ weight }) => weight === 1)).toBe(true);
    expect(new Set(stated.map(({ weight }) => weight))).toEqual(new Set([0, 0.15, 1]));
  });
});

describe('new facts', () => {
  it('differ from what the world says', () => {
    const random = seeded('other object');
    const facts = random.sample(world.facts, 300);
    expect(facts.filter((fact) => otherObject(world, random, fact) === fact.object)).toEqual([]);
  });
});
