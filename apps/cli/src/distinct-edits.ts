// Edits of a data set that can stand in one batch: a batch must not contradict itself, and need not repeat itself.
import { type Edit, normaliseAnswer, questionsOf } from '@errata/contracts';

/** An edit that is left out, since an earlier one answers its question. */
export interface LeftOut {
  readonly record: number;
  readonly custom_id: string;
  /** Whether the earlier edit gives another answer, or the same. */
  readonly rule: 'contradictory_edits' | 'repeated_edit';
}

/** Passes edits on whose question none before has answered. */
export function distinctEdits(): {
  of(edits: readonly Edit[], record: number): readonly Edit[];
  readonly leftOut: readonly LeftOut[];
} {
  const answers = new Map<string, string>();
  const leftOut: LeftOut[] = [];
  const isNew = (edit: Edit, record: number): boolean => {
    const answer = normaliseAnswer(edit.target_new);
    const questions = questionsOf(edit);
    const earlier = questions.map((question) => answers.get(question)).filter((found) => found !== undefined);
    if (earlier.some((found) => found !== answer)) {
      leftOut.push({ record, custom_id: edit.custom_id, rule: 'contradictory_edits' });
      return false;
    }
    // Another wording of a known answer is another edit; the same wording is not.
    if (answers.has(questions[0]!)) {
      leftOut.push({ record, custom_id: edit.custom_id, rule: 'repeated_edit' });
      return false;
    }
    for (const question of questions) answers.set(question, answer);
    return true;
  };
  return { of: (edits, record) => edits.filter((edit) => isNew(edit, record)), leftOut };
}

/** What was left out, in a line for each rule. */
export function describeLeftOut(leftOut: readonly LeftOut[]): readonly string[] {
  const count = (rule: LeftOut['rule']) => leftOut.filter((each) => each.rule === rule).length;
  const [contradicting, repeated] = [count('contradictory_edits'), count('repeated_edit')];
  return [
    ...(contradicting > 0 ? [`left out ${contradicting} that contradict an earlier edit of the file`] : []),
    ...(repeated > 0 ? [`left out ${repeated} that an earlier edit of the file already makes`] : []),
  ];
}
