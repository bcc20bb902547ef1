// Questions that no edit is about, held against their answers: what a version is still able to answer.
import { readings } from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import { type AnswerCache, readCandidate, readParent } from '../asking/answers.ts';
import { type Question, questionKey } from '../asking/questions.ts';
import { scoreAnswer } from '../cases/evaluate-candidate.ts';
import type { QuestionItem } from '../datasets/items.ts';
import type { EvaluationOptions } from '../options.ts';
import { askable, type CaseMeasurements, inOrderOf, sortOut } from './probing.ts';

export interface SuiteProbing {
  readonly parent: View;
  readonly candidate: View;
  readonly tokenizer: Tokenizer;
  readonly items: readonly QuestionItem[];
  /** Keeps the parent's answers from one evaluation to the next. */
  readonly cache?: AnswerCache;
}

/** Metrics `accuracy.*` of every item. By token and for all tokens the first answer is the target; others count as aliases. */
export async function measureSuite(
  { parent, candidate, tokenizer, items, cache }: SuiteProbing,
  options: EvaluationOptions = {},
): Promise<readonly CaseMeasurements[]> {
  const asked = items.map(({ id, prompt, answers, join }) => {
    const question: Question = { about: 'answer', prompt, target: answers[0], accepted: answers, join };
    return { case_id: id, asked: [question] };
  });
  const { open, failed } = sortOut(asked, askable({ view: parent, tokenizer }));
  const questions = [...new Map(open.flatMap((each) => each.asked.map((q) => [questionKey(q), q]))).values()];
  const before = await readParent({ view: parent, tokenizer }, questions, { ...options, ...(cache && { cache }) });
  const after = await readCandidate({ view: candidate, tokenizer }, questions, before, options);
  const found = open.map(({ case_id, asked: [question] }): CaseMeasurements => {
    const key = questionKey(question!);
    const [was, is] = [scoreAnswer(question!, before.get(key)!), scoreAnswer(question!, after.get(key)!)];
    return {
      case_id,
      measurements: readings.map((reading) => ({
        metric: `accuracy.${reading}`,
        value: is[reading],
        before: was[reading],
        count: 1,
      })),
      error: null,
    };
  });
  return inOrderOf(items, [...found, ...failed]);
}
