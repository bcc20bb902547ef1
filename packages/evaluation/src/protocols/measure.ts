// Measuring some cases of a candidate: an evaluation's findings as the rows that runs keep.
import type { Edit, EditResult, EvaluationCase, EvaluationRow, MeanScore, Moment, Score } from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import type { AnswerCache } from '../answers.ts';
import { type EditWork, type EvaluationOptions, evaluateCandidate } from '../evaluate.ts';

/** When in a protocol something is measured, and how many edits are in the model then. */
export interface Place {
  readonly moment: Moment;
  readonly edits: number;
}

export interface Findings {
  readonly cases: readonly EvaluationCase[];
  readonly rows: readonly EvaluationRow[];
}

export interface Measuring {
  readonly parent: View;
  readonly candidate: View;
  readonly tokenizer: Tokenizer;
  readonly edits: readonly Edit[];
  /** One for each edit. An error says that the case cannot be measured. */
  readonly work: readonly EditWork[];
  readonly cache: AnswerCache;
}

/** Asks a candidate and its parent about edits. */
export async function measureCases(input: Measuring, place: Place, options: EvaluationOptions = {}): Promise<Findings> {
  const { perEdit } = await evaluateCandidate(input, options);
  const cases = perEdit.map((result, position) => caseOf(input.edits[position]!, result, place));
  const rows = perEdit.flatMap((result) => (result.outcome === 'failed' ? [] : rowsOf(result, place)));
  return { cases, rows };
}

function caseOf({ prompt, target_new }: Edit, result: EditResult, place: Place): EvaluationCase {
  const failed = result.outcome === 'failed';
  return {
    ...place,
    case_id: result.custom_id,
    outcome: failed ? 'failed' : 'measured',
    error: result.error,
    prompt,
    target: target_new,
    answer_before: failed ? null : result.answer_before,
    answer_after: failed ? null : result.answer_after,
  };
}

const readings = ['token', 'all', 'exact'] as const;

function rowsOf({ custom_id, ...result }: EditResult, place: Place): EvaluationRow[] {
  const rows: EvaluationRow[] = [];
  const push = (metric: string, after: Score, before: Score | null, count: number) => {
    for (const reading of readings) {
      const row = { ...place, case_id: custom_id, metric: `${metric}.${reading}`, version: 1, count };
      rows.push({ ...row, value: after[reading], before: before?.[reading] ?? null });
    }
  };
  push('reliability', result.reliability.after, result.reliability.before, 1);
  if (result.generalization !== null)
    push(
      'generalization',
      result.generalization.after,
      result.generalization.before,
      result.generalization.after.count,
    );
  for (const [kind, score] of Object.entries(result.locality)) push(`locality.${kind}`, score, null, score.count);
  const pooled = pool(Object.values(result.locality));
  if (pooled !== null) push('locality', pooled, null, pooled.count);
  for (const [kind, { before, after }] of Object.entries(result.portability))
    push(`portability.${kind}`, after, before, after.count);
  return rows;
}

function pool(scores: readonly MeanScore[]): MeanScore | null {
  const count = scores.reduce((sum, score) => sum + score.count, 0);
  if (count === 0) return null;
  const mean = (key: keyof Score) => scores.reduce((sum, score) => sum + score[key] * score.count, 0) / count;
  return { token: mean('token'), all: mean('all'), exact: mean('exact'), count };
}
