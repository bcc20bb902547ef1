// What training asks of a batch: which rows of the logits are read, and the tokens they are to give.
import type { TargetSequence } from '../texts/sequences.ts';

/** Where the tokens of a target are read. */
export type Objective = 'target_new' | 'prompt_last';

/**
 * Rows, targets and weights of a batch.
 *
 * The mean over an edit's target tokens, then over edits. `target_new` (FT-M) predicts each token where it belongs. `prompt_last`
 * (FT-L as it is reported) reads every one at the prompt's last position, which for several tokens asks for all of them at once: it
 * cannot tell their order.
 */
export function tuneTargets(
  batch: readonly Pick<TargetSequence, 'targetIds' | 'targetStart'>[],
  time: number,
  objective: Objective,
) {
  const rows: number[] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  const spans: [number, number][] = [];
  for (const [b, { targetIds, targetStart }] of batch.entries()) {
    const start = rows.length;
    for (const [i, id] of targetIds.entries()) {
      rows.push(b * time + targetStart + (objective === 'target_new' ? i : 0));
      targets.push(id);
      weights.push(1 / (batch.length * targetIds.length));
    }
    spans.push([start, rows.length]);
  }
  return { rows, targets, weights, spans };
}
