// General ability as an evaluation's rows and cases, beside those of the same items on the parent.
import type { EvaluationCase, EvaluationResults, EvaluationRow } from '@errata/contracts';
import { rowOf } from '../cases/measurements.ts';
import type { AbilityResult, AbilityRow, SkippedItem } from './measure.ts';

/** Where in a protocol a version was measured. */
export type AbilityPlace = Pick<EvaluationRow, 'moment' | 'edits'>;

/**
 * A row a score and a case an item; items that were not asked are failed cases with the reason.
 * @param parent the same task on the parent; left out where there is none, or the version was not edited
 */
export function abilityResults(result: AbilityResult, place: AbilityPlace, parent?: AbilityResult): EvaluationResults {
  const before = new Map(parent?.rows.map((row) => [row.id, row]));
  const caseId = (id: string) => `${result.task}/${id}`;
  return {
    cases: [
      ...result.rows.map((row) => measuredCase(caseId(row.id), place, row, before.get(row.id))),
      ...result.skipped.map((item) => skippedCase(caseId(item.id), place, item)),
    ],
    rows: result.rows.flatMap(({ id, scores }) =>
      Object.entries(scores).map(([score, value]) =>
        rowOf(
          {
            metric: `ability.${result.task}.${score}`,
            value,
            before: before.get(id)?.scores[score as keyof typeof scores] ?? null,
            count: 1,
          },
          { ...place, case_id: caseId(id) },
        ),
      ),
    ),
  };
}

/** Why an item was not asked, as the error of its case. */
export const whySkipped = (item: SkippedItem): { readonly code: string; readonly message: string } =>
  item.reason === 'too_long'
    ? { code: 'prompt_too_long', message: `the item needs ${item.tokens} tokens; the model reads ${item.context}` }
    : { code: 'unreadable_item', message: item.what };

const measuredCase = (
  case_id: string,
  place: AbilityPlace,
  { prompt, wanted, said }: AbilityRow,
  before: AbilityRow | undefined,
): EvaluationCase => ({
  ...place,
  case_id,
  outcome: 'measured',
  error: null,
  prompt,
  target: wanted,
  answer_before: before?.said ?? null,
  answer_after: said,
});

const skippedCase = (case_id: string, place: AbilityPlace, item: SkippedItem): EvaluationCase => ({
  ...place,
  case_id,
  outcome: 'failed',
  error: whySkipped(item),
  prompt: '',
  target: '',
  answer_before: null,
  answer_after: null,
});
