// The general-ability tasks: one right answer each, none about what edits change, and the files that are shipped.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drawEdits } from '../edits/edit-set.ts';
import { atlasDirectory } from '../model-files.ts';
import { buildWorld, fill } from '../world/world.ts';
import { choiceRecords } from './choice.ts';
import { defaultTaskOptions } from './draw.ts';
import { taskFiles, tasksFolder } from './task-files.ts';

interface Choice {
  readonly id: string;
  readonly question: {
    readonly stem: string;
    readonly question_concept: string;
    readonly choices: readonly { readonly label: string; readonly text: string }[];
  };
  readonly answerKey: string;
}
interface Entailment {
  readonly genre: string;
  readonly premise: string;
  readonly hypothesis: string;
  readonly contrast: string;
  readonly label: string;
}
interface Reading {
  readonly context: string;
  readonly question: string;
  readonly answers: { readonly text: readonly [string]; readonly answer_start: readonly [number] };
}

const world = buildWorld();
const options = defaultTaskOptions(world);
const files = taskFiles(world, options);
const records = <T>(name: string): T[] =>
  files
    .get(name)!
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
const choices = records<Choice>('choice.jsonl');
const entailments = records<Entailment>('entailment.jsonl');
const readings = records<Reading>('reading.jsonl');
/** The fact that a choice is about. */
const factOf = ({ stem, question_concept }: Choice['question']) =>
  world.factsByRelation
    .get(question_concept)!
    .find(({ subject, relation }) => relation.phrasings.some((phrasing) => fill(phrasing, subject) === stem))!;

describe('tasks', () => {
  it('are the same for the same seed and others for another', () => {
    expect(taskFiles(world, options)).toEqual(files);
    for (const [name, text] of taskFiles(world, { ...options, seed: 2 })) expect(text).not.toBe(files.get(name));
  });

  it('are as many as are asked for', () => {
    for (const name of files.keys()) expect(records(name)).toHaveLength(options.count);
    for (const [, text] of taskFiles(world, { ...options, count: 7 })) expect(text.trim().split('\n')).toHaveLength(7);
  });

  it('that are shipped come from the source as it is', () => {
    for (const [name, text] of files) expect(readFileSync(join(atlasDirectory, tasksFolder, name), 'utf8')).toBe(text);
  });
});

describe('multiple choice', () => {
  it('offers four objects of the relation, one of them the world’s', () => {
    for (const { question, answerKey } of choices) {
      const shown = question.choices.map(({ text }) => text);
      expect(new Set(shown).size).toBe(4);
      expect(question.choices.find(({ label }) => label === answerKey)!.text).toBe(factOf(question).object);
      expect(world.objectsByRelation.get(question.question_concept)).toEqual(expect.arrayContaining(shown));
    }
  });

  it('puts the right one in every place, and asks in many relations', () => {
    const places = ['A', 'B', 'C', 'D'].map((letter) => choices.filter(({ answerKey }) => answerKey === letter).length);
    expect(Math.min(...places)).toBeGreaterThan(options.count / 8);
    expect(new Set(choices.map(({ question }) => question.question_concept)).size).toBeGreaterThan(20);
  });

  it('asks about no subject that the default edits touch, in sets of any size', () => {
    const edited = drawEdits(world, 1000, 1);
    expect(drawEdits(world, 100, 1)).toEqual(edited.slice(0, 100));
    const touched = new Set(edited.map(({ fact }) => fact.subject));
    const prompts = new Set(edited.flatMap(({ edit }) => [edit.prompt, ...edit.rephrases!]));
    for (const { question } of choices) {
      expect(touched.has(factOf(question).subject)).toBe(false);
      expect(prompts.has(question.stem)).toBe(false);
    }
  });

  it('keeps clear of other subjects when they are named', () => {
    const { subject } = factOf(choices[0]!.question);
    const ask = (edited: ReadonlySet<string>) =>
      choiceRecords(world, { ...options, count: world.facts.length, edited }) as Choice[];
    const about = (list: readonly Choice[]) =>
      list.filter(
        ({ question }) => question.question_concept.startsWith(subject.kind) && factOf(question).subject === subject,
      );
    expect(about(ask(new Set())).length).toBeGreaterThan(0);
    expect(about(ask(new Set([subject.name])))).toEqual([]);
  });
});

describe('entailment', () => {
  it('sets a statement beside the same with another object, as often true as not', () => {
    for (const { hypothesis, contrast } of entailments) {
      expect(hypothesis).not.toBe(contrast);
      const shared = [...hypothesis].findIndex((character, at) => character !== contrast[at]);
      expect(hypothesis.slice(0, shared).split(' ').length).toBeGreaterThan(3);
    }
    for (const genre of ['restated', 'composed']) {
      const labels = entailments.filter((each) => each.genre === genre).map(({ label }) => label);
      expect(labels.filter((label) => label === 'e').length).toBe(labels.length / 2);
      expect(labels.length).toBe(options.count / 2);
    }
  });

  it('is about subjects the world does not have, and says restated facts with their object', () => {
    const names = new Set(world.entities.map(({ name }) => name));
    for (const { genre, premise, hypothesis, contrast, label } of entailments) {
      const pairs = [...premise.matchAll(/(?=\b([A-Z][a-z]+ [A-Z][a-z]+)\b)/g)].map(([, pair]) => pair!);
      const shared = pairs.filter((pair) => hypothesis.includes(pair) && contrast.includes(pair));
      expect(shared.some((pair) => !names.has(pair))).toBe(true);
      const object = (label === 'e' ? hypothesis : contrast).slice(0, -1).split(' ').at(-1)!;
      if (genre === 'restated') expect(premise).toContain(`${object}.`);
    }
  });
});

describe('reading', () => {
  it('has its answer in the passage, in other words than the question’s', () => {
    for (const { context, question, answers } of readings) {
      const [answer] = answers.text;
      expect(context.slice(answers.answer_start[0])).toMatch(new RegExp(`^${answer.replace(/[+()]/g, '\\$&')}\\.`));
      expect(context).not.toContain(question);
      expect(answer).not.toContain('.');
    }
  });
});
