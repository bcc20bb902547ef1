// Edits of a file that contradict or repeat an earlier one of it: a model cannot hold both, and need not be told twice.
import { type Edit, normaliseAnswer, questionsOf } from '@errata/contracts';

/** An edit whose question an earlier one answers. */
export interface AnsweredEdit {
  readonly record: number;
  readonly custom_id: string;
  /** Whether the earlier edit gives another answer, or the same. */
  readonly rule: 'contradictory_edits' | 'repeated_edit';
}

export interface DistinctEdits {
  /** Those whose question none before has answered. */
  readonly of: (edits: readonly Edit[], record: number) => readonly Edit[];
  /** The others so far. */
  readonly answered: readonly AnsweredEdit[];
}

/** Passes edits on whose question none before has answered. */
export function distinctEdits(): DistinctEdits {
  const answers = new Map<string, string>();
  const answered: AnsweredEdit[] = [];
  const isNew = (edit: Edit, record: number): boolean => {
    const answer = normaliseAnswer(edit.target_new);
    const questions = questionsOf(edit);
    const earlier = questions.map((question) => answers.get(question)).filter((found) => found !== undefined);
    if (earlier.some((found) => found !== answer)) {
      answered.push({ record, custom_id: edit.custom_id, rule: 'contradictory_edits' });
      return false;
    }
    // Another wording of a known answer is another edit; the same wording is not.
    if (answers.has(questions[0]!)) {
      answered.push({ record, custom_id: edit.custom_id, rule: 'repeated_edit' });
      return false;
    }
    for (const question of questions) answers.set(question, answer);
    return true;
  };
  return { of: (edits, record) => edits.filter((edit) => isNew(edit, record)), answered };
}
