// The result of a case, as far as it is the same whatever became of the case.
import type { Moment } from '../wire/evaluation-rows.ts';
import type { CaseResult, Measure } from '../wire/evaluations.ts';
import type { SuiteCase } from '../wire/suites.ts';
import { customIdOf, wordsOf } from './suite-cases.ts';

/** A case at its place in an evaluation. */
export interface PlacedCase {
  readonly position: number;
  /** Unique in the evaluation: the id of an edit that the lineage knows, else the `custom_id`. */
  readonly case_id: string;
  /** Of an edit that the lineage knows. */
  readonly edit_id: string | null;
  readonly item: SuiteCase;
  /** As in the rows of runs: `end` for a version as it is, else when in the protocol it is measured. */
  readonly moment: Moment;
  /** Edits in the model then. */
  readonly edits: number;
}

/** What a result says of its case whatever became of it. */
export const describeCase = ({ position, case_id, edit_id, item, moment, edits }: PlacedCase) => ({
  position,
  moment,
  edits,
  case_id,
  custom_id: customIdOf(item),
  kind: item.kind,
  edit_id,
  ...wordsOf(item),
});

/** The result of a case that could not be asked. */
export const failedCase = (
  placed: PlacedCase,
  { code, message }: { readonly code: string; readonly message: string },
): CaseResult => ({
  ...describeCase(placed),
  outcome: 'failed',
  error: { code, message },
  answer_before: null,
  answer_after: null,
  changed: false,
  measures: [],
  regressions: [],
});

/**
 * What is quoted of a case's own answer: whether it is the one wanted, by free generation, and of general ability the first score of its
 * task. Undefined where nothing in particular is expected.
 */
export const quotedOf = (measures: readonly Measure[]): Measure | undefined =>
  measures.find(
    ({ metric }) => metric === 'reliability.exact' || metric === 'accuracy.exact' || metric.startsWith('ability.'),
  );
