// What an editing data set holds: edits, and beside them what some benchmarks ask that an edit's own probes cannot say.
import type { Edit, References, SuiteItemOf } from '@errata/contracts';

export {
  type AcceptedAnswer,
  type Hop,
  type References,
  type RippleCriterion,
  type RippleQuery,
  type RippleTest,
  rippleCriteria,
} from '@errata/contracts';

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

/** CounterFact's prompts for free text (Meng et al. 2022, section 3.4). */
export interface GenerationProbes {
  /** Beginnings of texts about the subject: n-gram entropy, reference score. */
  readonly prompts: readonly string[];
  /** Prompts about other subjects of which the new target is true: whether they keep it. */
  readonly attribute: readonly string[];
  /** Texts that what is written is held against; the data sets' own files bring none. */
  readonly references?: References;
}

/** RippleEdits' tests of one edit, by criterion. */
export type RippleCase = Pick<SuiteItemOf<'ripple'>, 'subset' | 'criteria'>;

/** A question over the facts of a case, some of which its edits change. */
export type MultiHopCase = Pick<SuiteItemOf<'multi_hop'>, 'questions' | 'before' | 'after' | 'hops'>;
