// Measuring some cases of a candidate: an evaluation's findings as the rows that runs keep.
import type { Edit, EvaluationResults, Moment } from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import type { AnswerCache } from '../answers.ts';
import { type EditWork, type EvaluationOptions, evaluateCandidate, evaluationResults } from '../evaluate.ts';
import { type EditQuestions, questionsOfEdit } from '../questions.ts';

/** When in a protocol something is measured, and how many edits are in the model then. */
export interface Place {
  readonly moment: Moment;
  readonly edits: number;
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

/** All that a protocol asks about an edit. */
export const questionsOf = (edit: Edit): EditQuestions => questionsOfEdit(edit, { rivals: true });

/** Asks a candidate and its parent about edits. */
export async function measureCases(
  input: Measuring,
  place: Place,
  options: EvaluationOptions = {},
): Promise<EvaluationResults> {
  return evaluationResults(input.edits, await evaluateCandidate({ ...input, rivals: true }, options), place);
}
