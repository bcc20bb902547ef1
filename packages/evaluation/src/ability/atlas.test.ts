// The shipped model on the tasks of its own world: well above chance, at chance when destroyed, and nothing too long for it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Delta, loadCheckpoint, openModel } from '@errata/models';
import { afterAll, describe, expect, it } from 'vitest';
import type { EntailmentItem, MultipleChoiceItem, ReadingItem } from '../datasets/items.ts';
import { measureAbility } from './measure.ts';
import { abilityTasks } from './tasks.ts';

const directory = fileURLToPath(new URL('../../../../models/atlas/', import.meta.url));
const checkpoint = await loadCheckpoint(directory);
const model = openModel(checkpoint);
checkpoint.close();
afterAll(() => model.release());
const view = model.view();
const tokenizer = model.tokenizer!;
const destroyed = view.with(
  [...model.spec.parameters.keys()].map(
    (tensor): Delta => ({ kind: 'dense', tensor, data: view.weight(tensor).map((x) => -x) }),
  ),
);

const lines = <T>(name: string): T[] =>
  readFileSync(`${directory}tasks/${name}.jsonl`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

interface ChoiceLine {
  readonly id: string;
  readonly answerKey: string;
  readonly question: {
    readonly stem: string;
    readonly question_concept: string;
    readonly choices: readonly { readonly label: string; readonly text: string }[];
  };
}
const choices = lines<ChoiceLine>('choice').map(
  ({ id, answerKey, question }): MultipleChoiceItem => ({
    kind: 'multiple_choice',
    id,
    question: question.stem,
    subject: question.question_concept,
    options: question.choices.map(({ text }) => text),
    answer: question.choices.findIndex(({ label }) => label === answerKey),
  }),
);

interface EntailmentLine extends Pick<EntailmentItem, 'premise' | 'hypothesis'> {
  readonly uid: string;
  readonly genre: string;
  readonly contrast: string;
  readonly label: 'e' | 'c';
}
const entailments = lines<EntailmentLine>('entailment').map(
  ({ uid, genre, label, ...rest }): EntailmentItem => ({
    kind: 'entailment',
    id: uid,
    group: genre,
    label: label === 'e' ? 'entailment' : 'contradiction',
    ...rest,
  }),
);

interface ReadingLine extends Pick<ReadingItem, 'id' | 'context' | 'question'> {
  readonly answers: { readonly text: readonly string[] };
}
const readings = lines<ReadingLine>('reading').map(
  ({ answers, ...rest }): ReadingItem => ({ kind: 'reading', ...rest, answers: answers.text, impossible: false }),
);

describe('the shipped model', () => {
  it('chooses the fact among objects of its relation', async () => {
    const { means, skipped } = await measureAbility(view, tokenizer, abilityTasks.atlas_choice, choices);
    expect(skipped).toEqual([]);
    expect(means.chance).toBe(1 / 4);
    for (const score of abilityTasks.atlas_choice.scores) expect(means.scores[score]).toBeGreaterThan(0.9);
  });

  it('goes on with what follows and not with its opposite', async () => {
    const { means, groups, skipped } = await measureAbility(
      view,
      tokenizer,
      abilityTasks.atlas_entailment,
      entailments,
    );
    expect(skipped).toEqual([]);
    expect(means.chance).toBe(1 / 2);
    expect(groups.restated!.scores.likelihood).toBeGreaterThan(0.9);
    expect(groups.composed!.scores.likelihood).toBeGreaterThan(0.8);
  });

  it('reads a new fact off a passage', async () => {
    const { means, skipped } = await measureAbility(view, tokenizer, abilityTasks.atlas_reading, readings);
    expect(skipped).toEqual([]);
    for (const score of abilityTasks.atlas_reading.scores) expect(means.scores[score]).toBeGreaterThan(0.8);
  });
});

describe('destroyed', () => {
  it('is at chance', async () => {
    const choice = await measureAbility(destroyed, tokenizer, abilityTasks.atlas_choice, choices);
    expect(choice.means.scores.likelihood_per_token).toBe(1 / 4);
    expect(choice.means.scores.first_token).toBe(1 / 4);
    // The sum prefers short options whatever they say; which of four is right does not depend on that.
    expect(choice.means.scores.likelihood).toBeLessThan(0.45);
    const entailment = await measureAbility(destroyed, tokenizer, abilityTasks.atlas_entailment, entailments);
    expect(entailment.means.scores.likelihood_per_token).toBe(1 / 2);
    const reading = await measureAbility(destroyed, tokenizer, abilityTasks.atlas_reading, readings);
    expect(reading.means.scores).toMatchObject({ exact_match: 0, f1: 0 });
    expect(reading.means.scores.inverse_perplexity).toBeCloseTo(1 / model.spec.vocab, 6);
  });
});
