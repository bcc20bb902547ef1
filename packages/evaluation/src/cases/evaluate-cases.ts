// A block of an evaluation's cases put to two versions: a result for each.
import {
  type CaseResult,
  failedCase,
  type Join,
  type PlacedCase,
  readings,
  type Score,
  type SuiteCase,
} from '@errata/contracts';
import { readCandidate, readParent, unaskable } from '../asking/answers.ts';
import { distinctQuestions, type Question, questionKey, questionsOfEdit } from '../asking/questions.ts';
import { firstSentence } from '../metrics/exact-match.ts';
import type { EvaluationOptions } from '../options.ts';
import { evaluateCandidate, scoreAgreement, scoreAnswer } from './evaluate-candidate.ts';
import { askAbility, askHeldText, askMultiHop, askRipples, askTexts } from './items.ts';
import type { Measurement } from './measurements.ts';
import { type CasesInput, measured, ofKinds } from './results.ts';

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
  for (const ask of [askEdits, askProbes, askAbility, askMultiHop, askRipples, askTexts, askHeldText])
    for (const result of await ask({ ...input, cases: open }, options)) results.set(result.position, result);
  return cases.map(({ position }) => results.get(position)!);
}

/** Of cases that are asked together; the others see to themselves what can be asked. */
function questionsOfCase({ item }: PlacedCase): readonly Question[] {
  if (item.kind === 'edit') return distinctQuestions([questionsOfEdit(item.edit, { rivals: true })]);
  const question = questionOf(item);
  return question === undefined ? [] : [question];
}

async function askEdits(input: CasesInput, options: EvaluationOptions): Promise<readonly CaseResult[]> {
  const { against, version, base, tokenizer } = input;
  const asked = ofKinds(input.cases, ['edit']);
  if (asked.length === 0) return [];
  const edits = asked.map(({ item }) => item.edit);
  const models = { parent: against, candidate: version, ...(base && { base }), tokenizer };
  const { perEdit, measurements, regressions } = await evaluateCandidate({ ...models, edits, rivals: true }, options);
  return asked.map(({ placed }, index) => {
    const { answer_before, answer_after } = perEdit[index]!;
    return measured(placed, { answer_before, answer_after }, measurements[index]!, regressions[index]!);
  });
}

async function askProbes(input: CasesInput, options: EvaluationOptions): Promise<readonly CaseResult[]> {
  const { against, version, tokenizer } = input;
  const asked = input.cases.flatMap((placed) => {
    const question = questionOf(placed.item);
    return question === undefined ? [] : [{ placed, question }];
  });
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
    // A question of a suite is only whether it is answered; a probe also stands for what should stay as it was.
    const also = placed.item.kind === 'probe' ? agreement : [];
    return measured(placed, answers, [...inReadings('accuracy', is, was), ...also], regressions);
  });
}

const inReadings = (stem: string, after: Score, before: Score | null): readonly Measurement[] =>
  readings.map((reading) => ({
    metric: `${stem}.${reading}`,
    value: after[reading],
    before: before?.[reading] ?? null,
    count: 1,
  }));

function questionOf(item: SuiteCase): Question | undefined {
  if (item.kind === 'question') return asking(item.prompt, item.answers, item.join);
  if (item.kind !== 'probe') return undefined;
  const { prompt, target, aliases = [], join } = item.probe;
  return asking(prompt, target === undefined ? [] : [target, ...aliases], join);
}

/** Without an answer that is right, only whether it changes is looked at. */
const asking = (prompt: string, accepted: readonly string[], join: Join | undefined): Question => ({
  about: accepted.length === 0 ? 'agreement' : 'answer',
  prompt,
  target: accepted[0],
  accepted,
  join,
});
