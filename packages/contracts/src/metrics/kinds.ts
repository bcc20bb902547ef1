// What is told apart in measuring: kinds of probes, criteria of ripple effects, tasks of general ability and their scores.

export const localityKinds = ['neighbourhood', 'other_relations', 'distracting', 'other_tasks'] as const;
export const portabilityKinds = ['alias', 'inverse', 'one_hop'] as const;
export type LocalityKind = (typeof localityKinds)[number];
export type PortabilityKind = (typeof portabilityKinds)[number];

/** RippleEdits' criteria (Cohen et al. 2023, section 3), in the paper's order. */
export const rippleCriteria = [
  'logical_generalization',
  'compositionality_i',
  'compositionality_ii',
  'subject_aliasing',
  'forgetfulness',
  'relation_specificity',
] as const;
export type RippleCriterion = (typeof rippleCriteria)[number];

/** Ways to choose among options by their likelihood, in the order of tables. */
export const choiceScores = ['likelihood', 'likelihood_per_token', 'likelihood_per_character', 'first_token'] as const;
export type ChoiceScore = (typeof choiceScores)[number];

/** Scores of an answer in free text. */
export const readingScores = ['exact_match', 'f1', 'inverse_perplexity'] as const;
export type ReadingScore = (typeof readingScores)[number];

export type AbilityScore = ChoiceScore | ReadingScore;

/**
 * The tasks of general ability. A version goes up when anything changes that changes numbers; `template` is the name and version of the
 * prompt's words; the first score is the one to quote.
 */
export const abilityTaskFacts = {
  csqa: { version: 1, template: 'question@1', scores: choiceScores },
  csqa_letters: { version: 1, template: 'letters@1', scores: ['first_token'] },
  mmlu: { version: 1, template: 'question@1', scores: choiceScores },
  mmlu_letters: { version: 1, template: 'letters@1', scores: ['first_token'] },
  anli: { version: 1, template: 'verdict@1', scores: ['likelihood', 'likelihood_per_token', 'first_token'] },
  squad_v2: { version: 1, template: 'passage@1', scores: readingScores },
  atlas_choice: { version: 1, template: 'cloze@1', scores: choiceScores },
  atlas_entailment: { version: 1, template: 'cloze@1', scores: ['likelihood', 'likelihood_per_token'] },
  atlas_reading: { version: 1, template: 'sequel@1', scores: readingScores },
} as const satisfies Readonly<
  Record<string, { readonly version: number; readonly template: string; readonly scores: readonly AbilityScore[] }>
>;
export type AbilityTaskId = keyof typeof abilityTaskFacts;
