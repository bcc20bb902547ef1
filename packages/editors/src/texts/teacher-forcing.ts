// Prompts with their targets as the weight-training and memory editors read them, and how probable a version finds the targets.
import type { View } from '@errata/models';
import type { EditRequest } from '../editor.ts';
import { type SequenceSource, type TargetSequence, targetSequence } from './sequences.ts';

/** An edit laid out: prompt and target without the target's last token. */
export interface LaidOutEdit {
  readonly edit: EditRequest;
  readonly sequence: TargetSequence;
}

/** @throws ErrataError as {@link targetSequence} */
export const layOutEdit = (source: SequenceSource, edit: EditRequest): LaidOutEdit => ({
  edit,
  sequence: targetSequence(source, edit),
});

/** The tokens of the prompt alone. */
export const promptIds = ({ ids, targetStart, read }: TargetSequence): readonly number[] =>
  read?.prompt ?? ids.slice(0, targetStart + 1);

/** Probability of each target after its prompt, the geometric mean over its tokens. */
export async function targetProbabilities(view: View, edits: readonly LaidOutEdit[]): Promise<readonly number[]> {
  const items = edits.map(({ sequence }) => ({ prompt: promptIds(sequence), target: sequence.targetIds }));
  const scores = await view.score(items);
  return scores.map(({ logProbs }) => Math.exp(logProbs.reduce((sum, x) => sum + x, 0) / logProbs.length));
}
