// A block of an evaluation's cases put to two versions: a result for each.
import {
  type CaseResult,
  describeCase,
  normaliseAnswer,
  type PlacedCase,
  type ProbeCase,
  type Score,
} from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import { type AnswerCache, readCandidate, readParent } from './answers.ts';
import { type EvaluationOptions, evaluateCandidate, scoreAgreement, scoreAnswer } from './evaluate.ts';
import type { Measurement } from './measurements.ts';
import { readings } from './metrics/catalogue/definition.ts';
import { metric } from './metrics/catalogue.ts';
import { firstSentence } from './metrics/exact-match.ts';
import { type Question, questionKey } from './questions.ts';

export interface CasesInput {
  /** What the version is compared with. */
  readonly against: View;
  readonly version: View;
  /** The imported model: given, agreement with it is measured beside agreement with `against`. */
  readonly base?: View;
  readonly tokenizer: Tokenizer;
  readonly cases: readonly PlacedCase[];
  /** Keeps the answers of `against` from one block to the next. */
  readonly cache?: AnswerCache;
}

/**
 * Puts the cases to both versions, all together, and gives a result for each in their order.
 * @throws ErrataError `prompt_too_long`; ModelError layout_*, for the whole of them when one cannot be asked
 */
export async function evaluateCases(
  input: CasesInput,
  options: EvaluationOptions = {},
): Promise<readonly CaseResult[]> {
  const { against, version, base, tokenizer, cases, cache } = input;
  const edits = cases.flatMap(({ item }) => (item.kind === 'edit' ? [item.edit] : []));
  const { perEdit, measurements } =
    edits.length === 0
      ? { perEdit: [], measurements: [] }
      : await evaluateCandidate(
          {
            parent: against,
            candidate: version,
            tokenizer,
            edits,
            rivals: true,
            ...(base && { base }),
            ...(cache && { cache }),
          },
          options,
        );
  const questions = cases.flatMap(({ item }) => (item.kind === 'probe' ? [questionOf(item.probe)] : []));
  const distinct = [...new Map(questions.map((question) => [questionKey(question), question])).values()];
  const before = await readParent({ view: against, tokenizer }, distinct, { ...options, ...(cache && { cache }) });
  const after = await readCandidate({ view: version, tokenizer }, distinct, before, options);

  const results = perEdit.map((edit, index) => ({ edit, found: measurements[index]! }))[Symbol.iterator]();
  return cases.map((placed): CaseResult => {
    const { item } = placed;
    if (item.kind === 'edit') {
      const { edit, found } = results.next().value!;
      return measured(placed, edit.answer_before, edit.answer_after, found);
    }
    const question = questionOf(item.probe);
    const [old, now] = [before.get(questionKey(question))!, after.get(questionKey(question))!];
    return measured(placed, firstSentence(old.text), firstSentence(now.text), [
      ...(item.probe.target === undefined
        ? []
        : inReadings('accuracy', scoreAnswer(question, now), scoreAnswer(question, old))),
      ...inReadings('locality', scoreAgreement(old, now), null),
    ]);
  });
}

const inReadings = (stem: string, after: Score, before: Score | null): readonly Measurement[] =>
  readings.map((reading) => ({
    metric: `${stem}.${reading}`,
    value: after[reading],
    before: before?.[reading] ?? null,
    count: 1,
  }));

const questionOf = ({ prompt, target, aliases }: ProbeCase): Question => ({
  about: target === undefined ? 'agreement' : 'answer',
  prompt,
  target,
  accepted: target === undefined ? [] : [target, ...(aliases ?? [])],
});

const measured = (
  placed: PlacedCase,
  answer_before: string,
  answer_after: string,
  measurements: readonly Measurement[],
): CaseResult => ({
  ...describeCase(placed),
  outcome: 'measured',
  error: null,
  answer_before,
  answer_after,
  changed: normaliseAnswer(answer_before) !== normaliseAnswer(answer_after),
  measures: measurements.map((measurement) => ({ ...measurement, version: metric(measurement.metric).version })),
});
