// A block of an evaluation's cases put to two versions: a result for each.
import {
  type CaseResult,
  describeCase,
  failedCase,
  normaliseAnswer,
  type PlacedCase,
  type ProbeCase,
  type Regression,
  type Score,
} from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import { readCandidate, readParent, unaskable } from './answers.ts';
import { type EvaluationOptions, evaluateCandidate, scoreAgreement, scoreAnswer } from './evaluate.ts';
import type { Measurement } from './measurements.ts';
import { readings } from './metrics/catalogue/definition.ts';
import { metric } from './metrics/catalogue.ts';
import { firstSentence } from './metrics/exact-match.ts';
import { distinctQuestions, type Question, questionKey, questionsOfEdit } from './questions.ts';

export interface CasesInput {
  /** What the version is compared with. */
  readonly against: View;
  readonly version: View;
  /** The imported model: given, agreement with it is measured beside agreement with `against`. */
  readonly base?: View;
  readonly tokenizer: Tokenizer;
  readonly cases: readonly PlacedCase[];
}

/**
 * Puts the cases to both versions, all together, and gives a result for each in their order. What does not fit the context window is
 * reported for its case and costs the others nothing.
 * @throws ModelError layout_*, for the whole of them when one cannot be laid out
 */
export async function evaluateCases(
  input: CasesInput,
  options: EvaluationOptions = {},
): Promise<readonly CaseResult[]> {
  const { against, tokenizer, cases } = input;
  const results = new Map<number, CaseResult>();
  const open = cases.filter((placed) => {
    const error = unaskable({ view: against, tokenizer }, questionsOfCase(placed));
    if (error !== undefined) results.set(placed.position, failedCase(placed, error));
    return error === undefined;
  });
  for (const ask of [askEdits, askProbes])
    for (const result of await ask({ ...input, cases: open }, options)) results.set(result.position, result);
  return cases.map(({ position }) => results.get(position)!);
}

const questionsOfCase = ({ item }: PlacedCase): readonly Question[] =>
  item.kind === 'probe' ? [questionOf(item.probe)] : distinctQuestions([questionsOfEdit(item.edit, { rivals: true })]);

async function askEdits(input: CasesInput, options: EvaluationOptions): Promise<readonly CaseResult[]> {
  const { against, version, base, tokenizer } = input;
  const asked = input.cases.flatMap((placed) =>
    placed.item.kind === 'edit' ? [{ placed, edit: placed.item.edit }] : [],
  );
  if (asked.length === 0) return [];
  const edits = asked.map(({ edit }) => edit);
  const models = { parent: against, candidate: version, ...(base && { base }), tokenizer };
  const { perEdit, measurements, regressions } = await evaluateCandidate({ ...models, edits, rivals: true }, options);
  return asked.map(({ placed }, index) => {
    const { answer_before, answer_after } = perEdit[index]!;
    return measured(placed, { answer_before, answer_after }, measurements[index]!, regressions[index]!);
  });
}

async function askProbes(input: CasesInput, options: EvaluationOptions): Promise<readonly CaseResult[]> {
  const { against, version, tokenizer } = input;
  const asked = input.cases.flatMap((placed) =>
    placed.item.kind === 'probe' ? [{ placed, question: questionOf(placed.item.probe) }] : [],
  );
  const distinct = [...new Map(asked.map(({ question }) => [questionKey(question), question])).values()];
  const before = await readParent({ view: against, tokenizer }, distinct, options);
  const after = await readCandidate({ view: version, tokenizer }, distinct, before, options);
  return asked.map(({ placed, question }) => {
    const [old, now] = [before.get(questionKey(question))!, after.get(questionKey(question))!];
    const answers = { answer_before: firstSentence(old.text), answer_after: firstSentence(now.text) };
    const agreement = inReadings('locality', scoreAgreement(old, now), null);
    if (question.target === undefined) return measured(placed, answers, agreement);
    const [was, is] = [scoreAnswer(question, old), scoreAnswer(question, now)];
    const { prompt, target } = question;
    const broken = { metric: 'accuracy', prompt, target, before: answers.answer_before, after: answers.answer_after };
    const regressions = is.exact < was.exact ? [broken] : [];
    return measured(placed, answers, [...inReadings('accuracy', is, was), ...agreement], regressions);
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
  answers: { readonly answer_before: string; readonly answer_after: string },
  measurements: readonly Measurement[],
  regressions: readonly Regression[] = [],
): CaseResult => ({
  ...describeCase(placed),
  outcome: 'measured',
  error: null,
  ...answers,
  changed: normaliseAnswer(answers.answer_before) !== normaliseAnswer(answers.answer_after),
  measures: measurements.map((measurement) => ({ ...measurement, version: metric(measurement.metric).version })),
  regressions: [...regressions],
});
