// What putting cases to two versions takes and gives, whatever the cases are.
import {
  type CaseResult,
  describeCase,
  metric,
  normaliseAnswer,
  type PlacedCase,
  type Regression,
  type SuiteCase,
} from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import type { Measurement } from './measurements.ts';

export interface CasesInput {
  /** What the version is compared with. */
  readonly against: View;
  readonly version: View;
  /** The imported model: given, agreement with it is measured beside agreement with `against`. */
  readonly base?: View;
  readonly tokenizer: Tokenizer;
  readonly cases: readonly PlacedCase[];
  /** Text whose perplexity is a case; left out, that case has no figure. */
  readonly heldText?: string;
  /** Of what texts are sampled with; 0 when left out. */
  readonly seed?: number;
  /** Texts to compare with of all cases that belong together, of which these may be some: what is rare in them weighs more. */
  readonly references?: readonly string[];
}

/** The cases of some kinds, with what they ask. */
export const ofKinds = <Kind extends SuiteCase['kind']>(
  cases: readonly PlacedCase[],
  kinds: readonly Kind[],
): readonly { readonly placed: PlacedCase; readonly item: Extract<SuiteCase, { readonly kind: Kind }> }[] => {
  const isOne = (item: SuiteCase): item is Extract<SuiteCase, { readonly kind: Kind }> =>
    kinds.some((kind) => kind === item.kind);
  return cases.flatMap((placed) => (isOne(placed.item) ? [{ placed, item: placed.item }] : []));
};

export interface Answers {
  readonly answer_before: string | null;
  readonly answer_after: string | null;
}

/** Of a case for which no one answer stands. */
export const noAnswers: Answers = { answer_before: null, answer_after: null };

export const measured = (
  placed: PlacedCase,
  answers: Answers,
  measurements: readonly Measurement[],
  regressions: readonly Regression[] = [],
): CaseResult => ({
  ...describeCase(placed),
  outcome: 'measured',
  error: null,
  ...answers,
  changed: normaliseAnswer(answers.answer_before ?? '') !== normaliseAnswer(answers.answer_after ?? ''),
  measures: measurements.map((measurement) => ({ ...measurement, version: metric(measurement.metric).version })),
  regressions: [...regressions],
});
