// Streams of edits: whose subjects they have, that nothing they keep is edited, and that they come out the same again.
import { type Probe, parseEditsJsonl } from '@errata/contracts';
import { describe, expect, it } from 'vitest';
import { buildWorld } from '../world/world.ts';
import { drawStream, type StreamEdit, type StreamRequest } from './streams.ts';

const world = buildWorld();
const stream = (more: Partial<StreamRequest> = {}) =>
  drawStream(world, { known: 'test', rounds: 1, part: 'test', strangers: 40, order: 'edit', ...more });
const probesOf = ({ locality = {} }: StreamEdit): readonly Probe[] =>
  Object.values(locality).flatMap((probes = []) => probes);

describe('streams of edits', () => {
  const edits = stream();

  it('pass the contract', () => {
    const parsed = parseEditsJsonl(edits.map((edit) => JSON.stringify(edit)).join('\n'));
    expect(parsed.errors).toEqual([]);
    expect(parsed.edits.length).toBe(edits.length);
  });

  it('edit a fact once, and ask besides for facts that none of them edits', () => {
    const edited = new Set(edits.map(({ subject, relation }) => `${relation}:${subject}`));
    expect(edited.size).toBe(edits.length);
    const prompts = new Map(
      edits.flatMap(({ prompt, rephrases = [], custom_id }) => [prompt, ...rephrases].map((text) => [text, custom_id])),
    );
    for (const edit of edits) {
      expect(probesOf(edit).length, edit.custom_id).toBeGreaterThan(0);
      for (const { prompt } of probesOf(edit)) expect(prompts.get(prompt), prompt).toBeUndefined();
    }
  });

  it('of training and of test have no subject in common, strangers included', () => {
    const subjects = new Set(edits.map(({ subject }) => subject));
    const others = stream({ known: 'training', part: 'training', strangers: 400 });
    expect(others.filter(({ subject }) => subjects.has(subject))).toEqual([]);
    const surnames = new Set(others.map(({ subject }) => subject.split(' ').at(-1)));
    const strangers = stream({ known: 'none', strangers: 400 });
    expect(strangers.filter(({ subject }) => surnames.has(subject.split(' ').at(-1)))).toEqual([]);
  });

  it('know strangers by names that the world does not have', () => {
    const names = new Set(world.entities.map(({ name }) => name));
    expect(stream({ known: 'none' }).filter(({ subject }) => names.has(subject))).toEqual([]);
    expect(stream({ known: 'none' })).toHaveLength(4 * 40);
  });

  it('stand by subjects where that is asked for, and come out the same again', () => {
    expect(stream()).toEqual(edits);
    const subjects = stream({ order: 'subject' }).map(({ subject }) => subject);
    const runs = subjects.filter((subject, at) => subject !== subjects[at - 1]);
    expect(new Set(runs).size).toBe(runs.length);
    const twice = stream({ known: 'test', rounds: 2, strangers: 0 });
    expect(twice.length).toBe(2 * stream({ strangers: 0 }).length);
    expect(new Set(twice.map(({ target_new, prompt }) => prompt + target_new)).size).toBeGreaterThan(
      0.8 * twice.length,
    );
  });
});
