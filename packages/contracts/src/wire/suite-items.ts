// Suite items: what a version can be asked beside edits, one JSON object each. One format for files, for requests and for what is stored.
import { z } from 'zod';
import { type AbilityTaskId, rippleCriteria } from '../metrics/kinds.ts';
import { joinSchema } from '../text/seam.ts';
import { editSchema, textLimits } from './edits.ts';

/** Longest texts and lists of an item. Whether it fits a model's context is seen when it is asked. */
export const itemLimits = { id: 400, prompt: textLimits.prompt, answer: 4000, passage: 100_000, list: 1000 } as const;

const text = (limit: number) => z.string().regex(/\S/, 'must not be blank').max(limit);
const id = text(itemLimits.id);
const prompt = text(itemLimits.prompt);
const answer = text(itemLimits.answer);
const passage = text(itemLimits.passage);
const listOf = <T extends z.ZodType>(of: T) => z.array(of).max(itemLimits.list);

/** Tasks of general ability by the items that they ask. The first is meant where an item names none. */
export const tasksOfItems = {
  multiple_choice: ['csqa', 'csqa_letters', 'mmlu', 'mmlu_letters', 'atlas_choice'],
  entailment: ['anli', 'atlas_entailment'],
  reading: ['squad_v2', 'atlas_reading'],
} as const satisfies Readonly<Record<string, readonly AbilityTaskId[]>>;
export type AbilityItemKind = keyof typeof tasksOfItems;

/** A question, or a prompt to complete, without a passage: open-domain questions, known facts. */
const question = z.strictObject({
  kind: z.literal('question'),
  id,
  prompt,
  /** Any of them is right. By token and for all tokens the first is the target. */
  answers: listOf(answer).min(1).readonly(),
  /** What the question is for, where it came from an edit: `edit`, `rephrase`, `locality.neighbourhood` ... */
  role: text(itemLimits.id).optional(),
  /** Whether a space stands between prompt and answer; by how the prompt is written where it is left out. */
  join: joinSchema.optional(),
});

/** A question with options of which one is right: CommonsenseQA, MMLU. */
const multipleChoice = z
  .strictObject({
    kind: z.literal('multiple_choice'),
    id,
    question: passage,
    options: listOf(answer).min(2).readonly(),
    /** Index of the right option. */
    answer: z.int().min(0),
    /** The field of knowledge, where the data set names one: an MMLU task, a CommonsenseQA concept. */
    subject: text(itemLimits.id).optional(),
    task: z.enum(tasksOfItems.multiple_choice).optional(),
  })
  .refine((item) => item.answer < item.options.length, {
    path: ['answer'],
    message: 'there is no option of this index',
  });

export const entailmentLabels = ['entailment', 'neutral', 'contradiction'] as const;
export type EntailmentLabel = (typeof entailmentLabels)[number];

/** Does the premise imply, leave open or rule out the hypothesis: ANLI. */
const entailment = z.strictObject({
  kind: z.literal('entailment'),
  id,
  premise: passage,
  hypothesis: passage,
  label: z.enum(entailmentLabels),
  /** The hypothesis with the opposite truth, where the data set gives it: for models that can only prefer one text to another. */
  contrast: passage.optional(),
  /** A part of the data set that is also looked at alone: a genre of ANLI, a kind of inference. */
  group: text(itemLimits.id).optional(),
  task: z.enum(tasksOfItems.entailment).optional(),
});

/** A question about a passage: SQuAD 2.0. */
const reading = z
  .strictObject({
    kind: z.literal('reading'),
    id,
    context: passage,
    question: passage,
    /** Any of them is right; empty exactly when the passage does not answer the question. */
    answers: listOf(answer).readonly(),
    impossible: z.boolean(),
    title: text(itemLimits.id).optional(),
    task: z.enum(tasksOfItems.reading).optional(),
  })
  .refine((item) => item.impossible === (item.answers.length === 0), {
    path: ['answers'],
    message: 'must be empty exactly where the passage does not answer the question',
  });

/** A right answer and its other spellings. */
const acceptedAnswer = z.strictObject({ value: answer, aliases: listOf(answer).readonly().default([]) });
export type AcceptedAnswer = z.output<typeof acceptedAnswer>;

const hop = z.strictObject({ question: prompt, cloze: prompt, answer: acceptedAnswer });
export type Hop = z.output<typeof hop>;
const hops = listOf(hop).readonly().default([]);

/** A question over a chain of facts, some of them edited (Zhong et al. 2023): answered when ANY phrasing is answered rightly. */
const multiHop = z.strictObject({
  kind: z.literal('multi_hop'),
  id,
  /** Phrasings of the one question. */
  questions: listOf(prompt).min(1).readonly(),
  /** The answer before the edits, and after them. */
  before: acceptedAnswer,
  after: acceptedAnswer,
  /** The facts of the chain, before the edits and after them. */
  hops: z.strictObject({ before: hops, after: hops }).default({ before: [], after: [] }),
  /** The edits of the chain, to see whether they are known by themselves. */
  edits: listOf(editSchema.pick({ prompt: true, target_new: true, target_true: true, aliases: true }))
    .readonly()
    .default([]),
});

const rippleQuery = z.strictObject({
  prompt,
  /** EVERY one of them must occur in the answer, in any of its spellings: a list of siblings is right when all are named. */
  answers: listOf(acceptedAnswer).min(1).readonly(),
});
export type RippleQuery = z.output<typeof rippleQuery>;

const rippleTest = z.strictObject({
  queries: listOf(rippleQuery).min(1).readonly(),
  /** Whether one right query passes the test, or all must be right (`test_condition`: OR, AND). */
  passes: z.enum(['any', 'all']),
  /** The test counts only where the model answered all of these rightly BEFORE the edit. */
  conditions: listOf(rippleQuery).readonly().default([]),
});
export type RippleTest = z.output<typeof rippleTest>;

/** Tests of what follows from one edit (Cohen et al. 2023). */
const ripple = z.strictObject({
  kind: z.literal('ripple'),
  id,
  /** Popular and random edits change a fact that the model should have known; recent ones state one that it cannot know. */
  subset: z.enum(['popular', 'random', 'recent']),
  /** Criteria without a usable test are absent. */
  criteria: z.partialRecord(z.enum(rippleCriteria), listOf(rippleTest).min(1).readonly()),
});

const references = z.strictObject({
  /** About subjects of which the new target is true: what is written afterwards should resemble them. */
  consistency: listOf(passage).readonly().default([]),
  /** About the subject itself: the model should not find them odd afterwards. */
  essence: listOf(passage).readonly().default([]),
});
/** Reference texts of one case. Without those of a kind, what they are for is not measured. */
export type References = z.output<typeof references>;

/** Beginnings of texts, to see how a version goes on (Meng et al. 2022, section 3.4). */
const writing = z.strictObject({
  kind: z.literal('text'),
  id,
  prompts: listOf(prompt).min(1).readonly(),
  /** What is written is held against them. */
  references: references.optional(),
});

/** Every kind of item, by its name. */
export const suiteItemSchemas = {
  question,
  multiple_choice: multipleChoice,
  entailment,
  reading,
  multi_hop: multiHop,
  ripple,
  text: writing,
} as const;
export type SuiteItemKind = keyof typeof suiteItemSchemas;
export const suiteItemKinds = [
  'question',
  'multiple_choice',
  'entailment',
  'reading',
  'multi_hop',
  'ripple',
  'text',
] as const satisfies readonly SuiteItemKind[];

export const suiteItemSchema = z.discriminatedUnion('kind', [
  question,
  multipleChoice,
  entailment,
  reading,
  multiHop,
  ripple,
  writing,
]);

/** The item of a kind. */
export type SuiteItemOf<Kind extends SuiteItemKind> = z.output<(typeof suiteItemSchemas)[Kind]>;
export type SuiteItem = z.output<typeof suiteItemSchema>;
export type AbilityItem = SuiteItemOf<AbilityItemKind>;

export const isItemKind = (kind: unknown): kind is SuiteItemKind => suiteItemKinds.some((known) => known === kind);

/** Whether an item is one of general ability, which tasks ask. */
export const isAbilityItem = (item: { readonly kind: string }): item is AbilityItem =>
  Object.hasOwn(tasksOfItems, item.kind);

/** The task that asks an item. */
export const taskOf = (item: AbilityItem): AbilityTaskId => item.task ?? tasksOfItems[item.kind][0];
