// Edit sets: what the contract demands, and what makes a probe a probe.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEditsJsonl } from '@errata/contracts';
import { describe, expect, it } from 'vitest';
import { atlasDirectory } from '../model-files.ts';
import { buildWorld } from '../world/world.ts';
import { toCounterFact } from './counterfact.ts';
import { drawEdits, toJsonl } from './edit-set.ts';
import { toReferences } from './references.ts';

const world = buildWorld();
const edits = drawEdits(world, 300, 1);

describe('edit sets', () => {
  it('pass the contract: subjects in prompts, no contradictions', () => {
    const parsed = parseEditsJsonl(toJsonl(edits));
    expect(parsed.errors).toEqual([]);
    expect(parsed.edits.length).toBe(300);
  });

  it('are the same for the same seed and others for another', () => {
    expect(toJsonl(drawEdits(world, 50, 7))).toBe(toJsonl(drawEdits(world, 50, 7)));
    expect(toJsonl(drawEdits(world, 50, 7))).not.toBe(toJsonl(drawEdits(world, 50, 8)));
  });

  it('ask for something new, plausible for the relation', () => {
    for (const { fact, edit } of edits) {
      expect(edit.target_new).not.toBe(edit.target_true);
      expect(world.objectsByRelation.get(fact.relation.id)).toContain(edit.target_new);
    }
  });

  it('put the subject into the prompt and every rephrase, each worded differently', () => {
    for (const { edit } of edits) {
      const wordings = [edit.prompt, ...edit.rephrases!];
      expect(new Set(wordings).size).toBe(wordings.length);
      for (const wording of wordings) expect(wording.split(edit.subject).length).toBeGreaterThan(1);
      expect(edit.rephrases!.length).toBeGreaterThanOrEqual(2);
    }
  });

  it('rephrase in words that were held out for the fact', () => {
    for (const { fact, edit } of edits) expect(edit.rephrases!.length).toBeGreaterThanOrEqual(fact.heldOut.length);
  });

  it('take neighbours from the same relation and other subjects', () => {
    for (const { edit } of edits) {
      const neighbours = edit.locality!.neighbourhood!;
      expect(neighbours.length).toBeGreaterThan(0);
      const objects = world.objectsByRelation.get(edit.relation)!;
      const named = new RegExp(`(?<![\\p{L}-])${edit.subject}(?![\\p{L}-])`, 'u');
      expect(neighbours.filter(({ prompt, target }) => named.test(prompt) || !objects.includes(target!))).toEqual([]);
    }
  });

  it('spread over the relations, one edit a subject', () => {
    expect(new Set(edits.map(({ fact }) => fact.relation.id)).size).toBe(world.factsByRelation.size);
    expect(new Set(edits.map(({ fact }) => fact.subject)).size).toBe(300);
  });

  it('can take every fact of the world, and no more', () => {
    expect(new Set(drawEdits(world, world.facts.length, 2).map(({ fact }) => fact)).size).toBe(world.facts.length);
    expect(() => drawEdits(world, world.facts.length + 1, 2)).toThrow(RangeError);
  });

  it('hold every kind of portability probe', () => {
    const kinds = new Set(drawEdits(world, 1000, 3).flatMap(({ edit }) => Object.keys(edit.portability!)));
    expect(kinds).toEqual(new Set(['alias', 'inverse', 'one_hop']));
  });
});

describe('the CounterFact layout', () => {
  it('has one slot for the subject and the same probes', () => {
    for (const [index, record] of toCounterFact(world, edits.slice(0, 50)).entries()) {
      const { requested_rewrite: rewrite, paraphrase_prompts: paraphrases } = record as {
        requested_rewrite: { prompt: string; subject: string };
        paraphrase_prompts: string[];
      };
      expect(rewrite.prompt.split('{}').length).toBe(2);
      expect(rewrite.prompt.replace('{}', rewrite.subject)).toBe(edits[index]!.edit.prompt);
      expect(paraphrases).toEqual(edits[index]!.edit.rephrases);
    }
  });
});

describe('reference texts', () => {
  const references = toReferences(world, edits);

  it('are about subjects of which the new target is true, and about the subject, without what is edited', () => {
    for (const [index, { id, consistency, essence }] of references.entries()) {
      const { fact, targetNew, edit } = edits[index]!;
      expect(id).toBe(edit.custom_id);
      expect(consistency.length).toBeGreaterThan(0);
      for (const text of consistency) expect(text).toContain(`${targetNew}.`);
      for (const text of essence) expect(text).toContain(fact.subject.name);
      const told = world.factsBySubject.get(fact.subject)!.filter((other) => other !== fact);
      for (const { object } of told) expect(essence[0]).toContain(`${object}.`);
      if (told.every(({ object }) => object !== fact.object))
        for (const text of essence) expect(text).not.toContain(` ${fact.object}.`);
    }
  });

  it('shipped with the model are those of its edits', () => {
    const shipped = (name: string) => readFileSync(join(atlasDirectory, name), 'utf8').trimEnd().split('\n');
    const drawn = drawEdits(world, 100, 1);
    expect(shipped('edits.jsonl')).toEqual(drawn.map(({ edit }) => JSON.stringify(edit)));
    expect(shipped('references.jsonl')).toEqual(toReferences(world, drawn).map((each) => JSON.stringify(each)));
  });
});
