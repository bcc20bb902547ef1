// What an editing data set holds: edits, and beside them what some benchmarks ask that an edit's own probes cannot say.
import type { Edit } from '@errata/contracts';

/** One record of an editing data set. Its edits belong together: MQuAKE applies all of a case before it asks. */
export interface DatasetCase {
  /** Unique in its file; the one edit's `custom_id` where the record holds one. */
  readonly id: string;
  /** At least one. */
  readonly edits: readonly Edit[];
  readonly generation?: GenerationProbes;
  readonly ripple?: RippleCase;
  readonly multiHop?: MultiHopCase;
}

/** A right answer and its other spellings. */
export interface AcceptedAnswer {
  readonly value: string;
  readonly aliases: readonly string[];
}

/** CounterFact's prompts for free text (Meng et al. 2022, section 3.4). */
export interface GenerationProbes {
  /** Beginnings of texts about the subject: n-gram entropy, reference score. */
  readonly prompts: readonly string[];
  /** Prompts about other subjects of which the new target is true: whether they keep it. */
  readonly attribute: readonly string[];
  /** Texts that what is written is held against; the data sets' own files bring none. */
  readonly references?: References;
}

/** Reference texts of one case. Without those of a kind, what they are for is not measured. */
export interface References {
  /** About subjects of which the new target is true: what is written afterwards should resemble them. */
  readonly consistency: readonly string[];
  /** About the subject itself: the model should not find them odd afterwards. */
  readonly essence: readonly string[];
}

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

export interface RippleQuery {
  readonly prompt: string;
  /** EVERY one of them must occur in the answer, in any of its spellings: a list of siblings is right when all are named. */
  readonly answers: readonly AcceptedAnswer[];
}

export interface RippleTest {
  /** At least one. */
  readonly queries: readonly RippleQuery[];
  /** Whether one right query passes the test, or all must be right (`test_condition`: OR, AND). */
  readonly passes: 'any' | 'all';
  /** The test counts only where the model answered all of these rightly BEFORE the edit. */
  readonly conditions: readonly RippleQuery[];
}

export interface RippleCase {
  /** Popular and random edits change a fact that the model should have known; recent ones state one that it cannot know. */
  readonly subset: 'popular' | 'random' | 'recent';
  /** Criteria without a usable test are absent. */
  readonly criteria: { readonly [criterion in RippleCriterion]?: readonly RippleTest[] };
}

export interface Hop {
  readonly question: string;
  readonly cloze: string;
  readonly answer: AcceptedAnswer;
}

/** A question over a chain of facts, some of them edited (Zhong et al. 2023): answered when ANY phrasing is answered rightly. */
export interface MultiHopCase {
  /** Phrasings of the one question. */
  readonly questions: readonly string[];
  /** The answer before the edits, and after them. */
  readonly before: AcceptedAnswer;
  readonly after: AcceptedAnswer;
  /** The facts of the chain, before the edits and after them. */
  readonly hops: { readonly before: readonly Hop[]; readonly after: readonly Hop[] };
}
