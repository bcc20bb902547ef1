// Compares what two evaluations found, case by case.
import {
  type CaseResult,
  type ComparisonResult,
  comparedCasesShown,
  type MetricComparison,
  normaliseAnswer,
  quotedOf,
  resultsOf,
} from '@errata/contracts';
import { compareRuns } from '@errata/evaluation';
import type { ParamsOf, ResultOf } from '../calls/index.ts';

/** Answers named at most. */
const answersShown = 200;

export function compareResults({ one, other }: ParamsOf<'compareResults'>): ResultOf<'compareResults'> {
  // Rows meet by their place as well: versions that hold unequal numbers of edits are compared all the same.
  const rowsOf = (results: readonly CaseResult[]) =>
    resultsOf(results).rows.map((row) => (row.moment === 'end' ? { ...row, edits: 0 } : row));
  return { metrics: compareRuns(rowsOf(one), rowsOf(other)).map(described), ...compareAnswers(one, other) };
}

const described = ({
  regressions,
  improvements,
  onlyInOne,
  onlyInOther,
  moment: _,
  edits: __,
  ...comparison
}: ReturnType<typeof compareRuns>[number]): MetricComparison => ({
  ...comparison,
  regressions: regressions.slice(0, comparedCasesShown),
  improvements: improvements.slice(0, comparedCasesShown),
  only_in_one: onlyInOne.length,
  only_in_other: onlyInOther.length,
});

const order = { broken: 0, changed: 1, mended: 2 } as const;

function compareAnswers(
  one: readonly CaseResult[],
  other: readonly CaseResult[],
): Pick<ComparisonResult, 'answers' | 'answers_differing' | 'answers_compared'> {
  const first = new Map(one.map((result) => [result.case_id, result]));
  let compared = 0;
  const differing = other.flatMap((result): ComparisonResult['answers'] => {
    const [theirs, mine] = [first.get(result.case_id)?.answer_after ?? null, result.answer_after];
    if (theirs === null || mine === null) return [];
    compared += 1;
    if (normaliseAnswer(theirs) === normaliseAnswer(mine)) return [];
    const { case_id, prompt, target } = result;
    const right = ({ measures }: CaseResult) => quotedOf(measures)?.value ?? 0;
    const gain = right(result) - right(first.get(case_id)!);
    const turned = gain < 0 ? 'broken' : gain > 0 ? 'mended' : 'changed';
    return [{ case_id, prompt, target, one: theirs, other: mine, turned }];
  });
  return {
    answers: differing.sort((a, b) => order[a.turned] - order[b.turned]).slice(0, answersShown),
    answers_differing: differing.length,
    answers_compared: compared,
  };
}
