// RippleEdits' tests put to a version: what follows from an edit, where the model knew what it follows from.
import type { RippleCriterion, RippleQuery, RippleTest } from '../datasets/cases.ts';
import { allOccur } from '../metrics/occurrence.ts';
import { rippleScore } from '../metrics/ripple.ts';
import type { EvaluationOptions } from '../options.ts';
import { type CaseMeasurements, greedyTexts, inOrderOf, type Probing, sortOut, tooLong } from './probing.ts';

/** Tokens in which an answer has to occur. */
const answerTokens = 30;

const promptsOf = (tests: readonly RippleTest[], part: 'queries' | 'conditions'): readonly string[] =>
  tests.flatMap((test) => test[part].map(({ prompt }) => prompt));

/** Metrics `ripple.*` of the cases that have such tests. Test queries are asked of the parent too: what passed by itself. */
export async function measureRipples(
  { parent, candidate, tokenizer, cases }: Probing,
  options: EvaluationOptions = {},
): Promise<readonly CaseMeasurements[]> {
  const withTests = cases.flatMap(({ id, ripple }) =>
    ripple === undefined
      ? []
      : [{ case_id: id, asked: Object.entries(ripple.criteria) as [RippleCriterion, readonly RippleTest[]][] }],
  );
  const { open, failed } = sortOut(withTests, (criteria) =>
    tooLong(
      { view: parent, tokenizer },
      criteria.flatMap(([, tests]) => [...promptsOf(tests, 'queries'), ...promptsOf(tests, 'conditions')]),
    ),
  );
  const tests = open.flatMap(({ asked }) => asked.flatMap(([, list]) => list));
  const queries = promptsOf(tests, 'queries');
  const before = await greedyTexts(
    { view: parent, tokenizer },
    [...queries, ...promptsOf(tests, 'conditions')],
    answerTokens,
    options,
  );
  const after = await greedyTexts({ view: candidate, tokenizer }, queries, answerTokens, options);
  const right =
    (texts: ReadonlyMap<string, string>) =>
    ({ prompt, answers }: RippleQuery): boolean =>
      allOccur(
        texts.get(prompt)!,
        answers.map(({ value, aliases }) => [value, ...aliases]),
      );
  const score = (list: readonly RippleTest[], texts: ReadonlyMap<string, string>) =>
    rippleScore(
      list.map(({ conditions, queries: asked, passes }) => ({
        conditions: conditions.map(right(before)),
        queries: asked.map(right(texts)),
        passes,
      })),
    );
  const found = open.map(({ case_id, asked }): CaseMeasurements => {
    const measurements = asked.flatMap(([criterion, list]) => {
      const [was, is] = [score(list, before), score(list, after)];
      return is === null || was === null
        ? []
        : [{ metric: `ripple.${criterion}`, value: is.value, before: was.value, count: is.count }];
    });
    return { case_id, measurements, error: null };
  });
  return inOrderOf(cases, [...found, ...failed]);
}
