// The tasks of general ability: what each asks of an item, under which template, and by which scores it is judged.
import {
  type AbilityScore,
  type AbilityTaskId,
  abilityTaskFacts,
  type ChoiceScore,
  type ReadingScore,
} from '@errata/contracts';
import { entailmentLabels, type SuiteItem, type SuiteItemKind } from '../datasets/items.ts';
import * as templates from './templates.ts';

/** The item type of a kind. */
export type ItemOf<Kind extends SuiteItemKind> = Extract<SuiteItem, { readonly kind: Kind }>;

/** Scores by name, from 0 to 1; a task has those it declares. */
export type AbilityScores = { readonly [score in AbilityScore]?: number };

interface TaskBase<Kind extends SuiteItemKind> {
  /** Name in reports and metric ids. */
  readonly id: string;
  /** Goes up when anything changes that changes numbers. */
  readonly version: number;
  /** Items it reads. */
  readonly items: Kind;
  /** `name@version` of the prompt's words. */
  readonly template: string;
}

/** What a choice task asks about one item. */
export interface ChoiceQuestion {
  readonly prompt: string;
  /** Each is weighed as what follows the prompt. */
  readonly options: readonly string[];
  /** Index of the right one. */
  readonly answer: number;
  /** Items of one group are also averaged by themselves. */
  readonly group?: string | undefined;
}

/** Options are weighed by their likelihood behind a prompt. */
export interface ChoiceTask<Kind extends SuiteItemKind = SuiteItemKind> extends TaskBase<Kind> {
  readonly kind: 'choice';
  /** The first is the one to quote. */
  readonly scores: readonly ChoiceScore[];
  ask(item: ItemOf<Kind>): ChoiceQuestion;
}

/** What a reading task asks about one item. */
export interface ReadingQuestion {
  readonly prompt: string;
  /** Any of them is right; none where the passage does not answer the question. */
  readonly answers: readonly string[];
  readonly group?: string | undefined;
}

/** An answer is generated greedily behind a prompt, and the right one's likelihood is taken. */
export interface ReadingTask<Kind extends SuiteItemKind = SuiteItemKind> extends TaskBase<Kind> {
  readonly kind: 'reading';
  readonly scores: readonly ReadingScore[];
  /** Tokens generated at most. */
  readonly maxTokens: number;
  /** The answer ends before the first of these. */
  readonly stops: readonly string[];
  /** What the prompt says to answer where there is no answer; counts as silence. */
  readonly unanswerable: string;
  ask(item: ItemOf<Kind>): ReadingQuestion;
}

export type AbilityTask<Kind extends SuiteItemKind = SuiteItemKind> = ChoiceTask<Kind> | ReadingTask<Kind>;

const csqa: ChoiceTask<'multiple_choice'> = {
  id: 'csqa',
  ...abilityTaskFacts.csqa,
  kind: 'choice',
  items: 'multiple_choice',
  ask: ({ question, options, answer }) => ({ prompt: templates.question.write(question), options, answer }),
};

const csqaLetters: ChoiceTask<'multiple_choice'> = {
  ...csqa,
  id: 'csqa_letters',
  ...abilityTaskFacts.csqa_letters,
  ask: ({ question, options, answer }) => ({ ...templates.letters.write(question, options), answer }),
};

const mmlu: ChoiceTask<'multiple_choice'> = {
  ...csqa,
  id: 'mmlu',
  ...abilityTaskFacts.mmlu,
  ask: (item) => ({ ...csqa.ask(item), group: item.subject }),
};

const mmluLetters: ChoiceTask<'multiple_choice'> = {
  ...csqaLetters,
  id: 'mmlu_letters',
  ...abilityTaskFacts.mmlu_letters,
  ask: (item) => ({ ...csqaLetters.ask(item), group: item.subject }),
};

const verdicts = { entailment: 'True', neutral: 'Neither', contradiction: 'False' } as const;

const anli: ChoiceTask<'entailment'> = {
  id: 'anli',
  ...abilityTaskFacts.anli,
  kind: 'choice',
  items: 'entailment',
  ask: ({ premise, hypothesis, label, group }) => ({
    prompt: templates.verdict.write(premise, hypothesis),
    options: entailmentLabels.map((each) => verdicts[each]),
    answer: entailmentLabels.indexOf(label),
    group,
  }),
};

const squad: ReadingTask<'reading'> = {
  id: 'squad_v2',
  ...abilityTaskFacts.squad_v2,
  kind: 'reading',
  items: 'reading',
  maxTokens: 32,
  stops: ['\n'],
  unanswerable: 'N/A',
  ask: ({ context, question, answers, impossible }) => ({
    prompt: templates.passage.write(context, question, 'N/A'),
    answers,
    group: impossible ? 'no_answer' : 'has_answer',
  }),
};

/** Facts of the shipped model's world as a choice among objects of one relation: "The capital of France is". */
const atlasChoice: ChoiceTask<'multiple_choice'> = {
  id: 'atlas_choice',
  ...abilityTaskFacts.atlas_choice,
  kind: 'choice',
  items: 'multiple_choice',
  ask: ({ question, options, answer, subject }) => ({
    prompt: templates.cloze.write(question),
    options,
    answer,
    group: subject,
  }),
};

/**
 * Whether a statement follows from a premise, for a model that has no word for "true": which of the statement and its
 * opposite the premise goes on with. The two share all words but the last, so their difference is what is judged. An item
 * without an opposite cannot be asked.
 */
const atlasEntailment: ChoiceTask<'entailment'> = {
  id: 'atlas_entailment',
  ...abilityTaskFacts.atlas_entailment,
  kind: 'choice',
  items: 'entailment',
  ask: ({ premise, hypothesis, contrast = '', label, group }) => ({
    prompt: templates.cloze.write(premise),
    options: [hypothesis, contrast],
    answer: label === 'entailment' ? 0 : 1,
    group,
  }),
};

/** What was stated about a subject nobody has heard of, read off in the words of a prompt. */
const atlasReading: ReadingTask<'reading'> = {
  id: 'atlas_reading',
  ...abilityTaskFacts.atlas_reading,
  kind: 'reading',
  items: 'reading',
  maxTokens: 12,
  stops: ['.', '\n'],
  unanswerable: 'N/A',
  ask: ({ context, question, answers }) => ({ prompt: templates.sequel.write(context, question), answers }),
};

/** All tasks, by id. */
export const abilityTasks = {
  csqa,
  csqa_letters: csqaLetters,
  mmlu,
  mmlu_letters: mmluLetters,
  anli,
  squad_v2: squad,
  atlas_choice: atlasChoice,
  atlas_entailment: atlasEntailment,
  atlas_reading: atlasReading,
} as const satisfies Readonly<Record<AbilityTaskId, unknown>>;
export type { AbilityTaskId };
