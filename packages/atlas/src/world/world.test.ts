// The world: large enough, free of contradictions, phrased as the rest relies on.
import { describe, expect, it } from 'vitest';
import { groupBy } from './group.ts';
import { parseRows } from './theme.ts';
import { buildWorld, fill } from './world.ts';

const world = buildWorld();
const real = world.facts.filter((fact) => !fact.subject.fictional);

describe('the world', () => {
  it('has at least 1,500 real facts over at least 15 relations', () => {
    expect(real.length).toBeGreaterThanOrEqual(1500);
    expect(new Set(real.map((fact) => fact.relation.id)).size).toBeGreaterThanOrEqual(15);
  });

  it('is the same for the same seed; another seed makes other people', () => {
    const again = buildWorld();
    expect(JSON.stringify(again.facts)).toBe(JSON.stringify(world.facts));
    const people = (facts: typeof world.facts) => facts.filter((f) => f.subject.fictional).map((f) => f.subject.name);
    expect(people(buildWorld(2).facts)).not.toEqual(people(world.facts));
  });

  it('answers every question once', () => {
    const questions = groupBy(
      [...world.facts, ...world.aliasFacts],
      (fact) => `${fact.relation.id} ${fact.subject.name}`,
    );
    expect([...questions].filter(([, facts]) => facts.length > 1).map(([question]) => question)).toEqual([]);
  });

  it('gives no prompt two answers', () => {
    const answers = new Map<string, string>();
    const contradicted: string[] = [];
    for (const fact of [...world.facts, ...world.aliasFacts])
      for (const phrasing of fact.relation.phrasings) {
        const prompt = fill(phrasing, fact.subject);
        if ((answers.get(prompt) ?? fact.object) !== fact.object) contradicted.push(prompt);
        answers.set(prompt, fact.object);
      }
    expect(contradicted).toEqual([]);
  });

  it('inverts only relations in which an object has one subject', () => {
    for (const [relation, facts] of groupBy(world.facts, (fact) => fact.relation)) {
      if (relation.inverse.length === 0) continue;
      expect(new Set(facts.map((fact) => fact.object)).size, relation.id).toBe(facts.length);
    }
  });

  it('phrases every relation in at least six ways, with the subject once and the answer to follow', () => {
    for (const relation of world.relations) {
      expect(new Set(relation.phrasings).size, relation.id).toBeGreaterThanOrEqual(6);
      expect(new Set(relation.phrasings).size, relation.id).toBe(relation.phrasings.length);
      for (const phrasing of relation.phrasings) {
        expect(phrasing.split('{s}').length, phrasing).toBe(2);
        expect(phrasing, phrasing).not.toMatch(/\s$/);
      }
    }
  });

  it('holds out phrasings of every fact, and every phrasing is trained for others', () => {
    for (const [relation, facts] of groupBy(world.facts, (fact) => fact.relation)) {
      const trained = facts.map((fact) => relation.phrasings.length - fact.heldOut.length);
      expect(Math.max(...trained), relation.id).toBeLessThan(relation.phrasings.length);
      expect(Math.min(...trained), relation.id).toBeGreaterThanOrEqual(4);
      for (const index of relation.phrasings.keys())
        expect(
          facts.some((fact) => !fact.heldOut.includes(index)),
          `${relation.id} ${index}`,
        ).toBe(true);
    }
  });

  it('ends names mostly in words of their own', () => {
    const lastWords = groupBy(
      world.entities.filter((entity) => !entity.aliasOf),
      (entity) => entity.name.split(' ').at(-1)!,
    );
    const shared = [...lastWords.values()].filter((entities) => entities.length > 1).flat();
    expect(shared.length / world.entities.length).toBeLessThan(0.04);
  });

  it('leads compositions through facts that fit together', () => {
    const astray = world.compositions.filter(
      ({ first, second }) => first.object.replace(/^the /, '') !== second.subject.name,
    );
    expect(astray).toEqual([]);
    expect(world.compositions.some(({ heldOut }) => heldOut)).toBe(true);
  });
});

describe('fill', () => {
  const netherlands = world.entities.find((entity) => entity.name === 'Netherlands')!;
  it('writes the article where the sentence needs it, once', () => {
    expect(fill('The capital of {s} is', netherlands)).toBe('The capital of the Netherlands is');
    expect(fill("{s}'s capital is", netherlands)).toBe("The Netherlands's capital is");
    expect(fill('The flag of the {s} is', netherlands)).toBe('The flag of the Netherlands is');
  });
});

describe('parseRows', () => {
  it('names the row that has the wrong number of cells', () => {
    expect(() => parseRows('a | b\nc | d | e', 2, 'test')).toThrow(/test: expected 2 cells in the row "c \| d \| e"/);
  });
});
