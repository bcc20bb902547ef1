// A task's questions put to one version: laid out, looked up, read where they are new, and scored.
import { type AnswerCache, createAnswerCache } from '../asking/answers.ts';
import type { SuiteItemKind } from '../datasets/items.ts';
import { choiceCredit, heaviest, weighOptions } from './choice.ts';
import {
  type AnswerReading,
  type ChoiceReading,
  type Plan,
  planChoice,
  planReading,
  type Reader,
  readAnswers,
  readChoices,
  type SkipReason,
} from './read.ts';
import { squadExact, squadF1 } from './squad.ts';
import type {
  AbilityScores,
  AbilityTask,
  ChoiceQuestion,
  ChoiceTask,
  ItemOf,
  ReadingQuestion,
  ReadingTask,
} from './tasks.ts';

/** What came of one question. */
export interface Scored {
  readonly group: string | null;
  /** What the model was given. */
  readonly prompt: string;
  /** From 0 to 1. */
  readonly scores: AbilityScores;
  /** What earns as much without looking at the prompt: a blind choice, or silence. */
  readonly chance: number;
  /** What the model chose by the task's first score, or said. */
  readonly said: string;
  /** What was right; empty where silence was. */
  readonly wanted: string;
}

export type Outcome = { readonly scored: Scored } | { readonly skip: SkipReason };

/** Readings of ONE version by question. They never change, since versions do not: a parent is read once for all its candidates. */
export interface AbilityCache {
  readonly choices: AnswerCache<ChoiceReading>;
  readonly answers: AnswerCache<AnswerReading>;
}

/** A cache of the readings of the last `limit` questions of either kind. */
export const createAbilityCache = (limit?: number): AbilityCache => ({
  choices: createAnswerCache(limit),
  answers: createAnswerCache(limit),
});

/** Makes the function that puts items of a task to a version and scores what it answers, one outcome an item. */
export function itemScorer<Kind extends SuiteItemKind>(
  task: AbilityTask<Kind>,
  reader: Reader,
  cache: AbilityCache | undefined,
  signal: AbortSignal | undefined,
): (items: readonly ItemOf<Kind>[]) => Promise<readonly Outcome[]> {
  if (task.kind === 'choice') {
    return (items) =>
      scoreAll(task, items.map(task.ask), {
        cache: cache?.choices,
        plan: (question) => planChoice(reader, question),
        read: (rows) => readChoices(reader, rows),
        score: (question, reading) => scoreChoice(task, question, reading),
      });
  }
  return (items) =>
    scoreAll(task, items.map(task.ask), {
      cache: cache?.answers,
      plan: (question) => planReading(reader, question, task),
      read: (rows) => readAnswers(reader, rows, task, signal),
      score: (question, reading) => scoreAnswer(task, question, reading),
    });
}

/** How questions of one kind are laid out, read and scored. */
interface Way<Question, Rows, Reading extends object> {
  readonly cache: AnswerCache<Reading> | undefined;
  readonly plan: (question: Question) => Plan<Rows>;
  readonly read: (rows: readonly Rows[]) => Promise<readonly Reading[]>;
  readonly score: (question: Question, reading: Reading) => Scored;
}

async function scoreAll<Question, Rows, Reading extends object>(
  { id, version }: Pick<AbilityTask, 'id' | 'version'>,
  questions: readonly Question[],
  { cache, plan, read, score }: Way<Question, Rows, Reading>,
): Promise<readonly Outcome[]> {
  const outcomes = new Array<Outcome>(questions.length);
  const open: { readonly at: number; readonly key: string; readonly rows: Rows }[] = [];
  for (const [at, question] of questions.entries()) {
    const key = JSON.stringify([id, version, question]);
    const known = cache?.get(key);
    const planned = known === undefined ? plan(question) : undefined;
    if (known !== undefined) outcomes[at] = { scored: score(question, known) };
    else if (planned !== undefined && 'skip' in planned) outcomes[at] = planned;
    else if (planned !== undefined) open.push({ at, key, rows: planned.rows });
  }
  const readings = open.length === 0 ? [] : await read(open.map(({ rows }) => rows));
  for (const [index, { at, key }] of open.entries()) {
    const reading = readings[index]!;
    cache?.set(key, reading);
    outcomes[at] = { scored: score(questions[at]!, reading) };
  }
  return outcomes;
}

function scoreChoice(
  { scores }: Pick<ChoiceTask, 'scores'>,
  { prompt, options, answer, group }: ChoiceQuestion,
  reading: ChoiceReading,
): Scored {
  const weights = weighOptions(
    reading,
    options.map((option) => Array.from(option.trim()).length),
  );
  return {
    group: group ?? null,
    prompt,
    scores: Object.fromEntries(scores.map((score) => [score, choiceCredit(weights[score], answer)])),
    chance: 1 / options.length,
    said: options[heaviest(weights[scores[0]!])[0]!]!,
    wanted: options[answer]!,
  };
}

function scoreAnswer(
  { scores, unanswerable }: Pick<ReadingTask, 'scores' | 'unanswerable'>,
  { prompt, answers, group }: ReadingQuestion,
  { text, meanLogProb }: AnswerReading,
): Scored {
  const prediction = saysNothing(text, unanswerable) ? '' : text;
  const inverse = Math.exp(meanLogProb);
  const all: Required<Record<(typeof scores)[number], number>> = {
    exact_match: squadExact(prediction, answers),
    f1: squadF1(prediction, answers),
    inverse_perplexity: Number.isNaN(inverse) ? 0 : inverse,
  };
  return {
    group: group ?? null,
    prompt,
    scores: Object.fromEntries(scores.map((score) => [score, all[score]])),
    chance: answers.length === 0 ? 1 : 0,
    said: text,
    wanted: answers[0] ?? '',
  };
}

/** The agreed words for "no answer", whatever their case, with or without a full stop; sodium's "Na" is not among them. */
const saysNothing = (text: string, unanswerable: string): boolean =>
  text.trim().replace(/\.$/, '').toLowerCase() === unanswerable.toLowerCase();
