// The cases that fared worst, with what was said before and after: regressions first.
import type { EvaluationCase, EvaluationRow, Regression } from '@errata/contracts';

export interface WorstCase {
  readonly case_id: string;
  readonly edits: number;
  readonly prompt: string;
  readonly target: string;
  readonly answer_before: string;
  readonly answer_after: string;
  /** Whether the edit holds, by free generation. */
  readonly holds: boolean;
  readonly regressions: readonly Regression[];
  /** Share of locality probes that are no longer answered alike, plus what was lost elsewhere; 0 where nothing broke. */
  readonly lost: number;
}

/** Metrics in which a case can only lose what it had before. */
const losable = ['generalization.exact', 'portability.exact'];

/**
 * @param cases of one place, with their rows
 * @returns those that broke something, most broken first; then those whose edit does not hold
 */
export function worstCases(
  cases: readonly EvaluationCase[],
  rows: readonly EvaluationRow[],
  count: number,
): readonly WorstCase[] {
  const values = new Map<string, Map<string, EvaluationRow>>();
  for (const row of rows) {
    const ofCase = values.get(row.case_id) ?? new Map<string, EvaluationRow>();
    values.set(row.case_id, ofCase.set(row.metric, row));
  }
  return cases
    .flatMap((each): WorstCase[] => {
      if (each.answer_before === null || each.answer_after === null) return [];
      const found = values.get(each.case_id) ?? new Map<string, EvaluationRow>();
      const changed = 1 - (found.get('locality.exact')?.value ?? 1);
      const losses = losable.map((metric) => {
        const { before, value } = found.get(metric) ?? { before: 0, value: 0 };
        return Math.max(0, (before ?? 0) - value);
      });
      return [
        {
          case_id: each.case_id,
          edits: each.edits,
          prompt: each.prompt,
          target: each.target,
          answer_before: each.answer_before,
          answer_after: each.answer_after,
          holds: found.get('reliability.exact')?.value === 1,
          regressions: each.regressions ?? [],
          lost: changed + losses.reduce((a, b) => a + b, 0),
        },
      ];
    })
    .filter(({ lost, holds }) => lost > 0 || !holds)
    .sort((a, b) => b.lost - a.lost || Number(a.holds) - Number(b.holds) || (a.case_id < b.case_id ? -1 : 1))
    .slice(0, count);
}
