// What an edit broke, in words: probes that were answered rightly before and are not now, or are not answered as they were.
import type { Regression, Score } from '@errata/contracts';
import type { Reading, Readings } from '../asking/answers.ts';
import { type EditQuestions, type Question, questionKey } from '../asking/questions.ts';
import { firstSentence } from '../metrics/exact-match.ts';

/** Of one case; a model that is destroyed would fill files with them. */
const keptOfCase = 3;

/** How a question is scored: an answer against its target, or one model's against the other's. */
export interface Scoring {
  readonly answer: (question: Question, reading: Reading) => Score;
  readonly agreement: (before: Reading, after: Reading) => Score;
}

/** The worst regressions of an edit's probes, by free generation: the greatest loss by token first. */
export function regressionsOf(
  asked: EditQuestions,
  before: Readings,
  after: Readings,
  { answer, agreement }: Scoring,
): readonly Regression[] {
  const roles: (readonly [metric: string, questions: readonly Question[]])[] = [
    ['reliability', [asked.reliability]],
    ['generalization', asked.generalization],
    ...[...asked.portability].map(([kind, list]) => [`portability.${kind}`, list] as const),
    ...[...asked.locality].map(([kind, list]) => [`locality.${kind}`, list] as const),
  ];
  const found = roles.flatMap(([metric, questions]) =>
    questions.flatMap((question) => {
      const key = questionKey(question);
      const [was, is] = [before.get(key)!, after.get(key)!];
      const perfect: Score = { token: 1, all: 1, exact: 1 };
      const agrees = question.about === 'agreement';
      const [old, now] = agrees ? [perfect, agreement(was, is)] : [answer(question, was), answer(question, is)];
      if (now.exact >= old.exact) return [];
      const regression: Regression = {
        metric,
        prompt: question.prompt,
        target: question.target ?? null,
        before: firstSentence(was.text),
        after: firstSentence(is.text),
      };
      return [{ regression, loss: old.token - now.token }];
    }),
  );
  return found
    .sort((a, b) => b.loss - a.loss)
    .slice(0, keptOfCase)
    .map(({ regression }) => regression);
}
