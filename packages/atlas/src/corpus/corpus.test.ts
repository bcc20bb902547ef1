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
  return Array.from({ length: count }, () => source.draw(random));
};
const text = (pieces: readonly { readonly text: string }[]) => pieces.map((piece) => piece.text).join('');

describe('documents', () => {
  it('are the same for the same seed and others for another', () => {
    expect(documents(1, 200)).toEqual(documents(1, 200));
    expect(documents(1, 200)).not.toEqual(documents(2, 200));
  });

  it('are made of pieces that begin where words begin', () => {
    for (const pieces of documents(3, 2000)) {
      expect(pieces[0]!.text.startsWith(' ')).toBe(true);
      for (const { text: piece } of pieces) expect(piece).toMatch(/^( \S|\.$|\n$|[A-Z[])/);
    }
  });

  it('never show a fact in a phrasing held out for it', () => {
    const heldOut = new Set<string>();
    const said = new Set<string>();
    for (const fact of world.facts)
      for (const [index, phrasing] of fact.relation.phrasings.entries())
        (fact.heldOut.includes(index) ? heldOut : said).add(` ${fill(phrasing, fact.subject)} ${fact.object}.`);
    let shown = 0;
    for (const document of documents(4, 4000)) {
      const whole = text(document);
      for (const [sentence] of whole.matchAll(/(?: [^.]+)\./g)) {
        expect(heldOut.has(sentence), sentence).toBe(false);
        if (said.has(sentence)) shown++;
      }
    }
    expect(shown).toBeGreaterThan(1000);
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
    for (const fact of random.sample(world.facts, 300)) expect(otherObject(world, random, fact)).not.toBe(fact.object);
  });
});
