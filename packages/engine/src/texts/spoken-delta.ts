// Which delta it is from whose memory a version answers a prompt.
import type { DeltaReference } from '@errata/contracts';
import { leftBeside, type View } from '@errata/models';
import type { SpokenDelta } from '../calls/index.ts';
import type { OpenModel } from '../models/model-store.ts';

/**
 * The delta that brought the row which acts on a prompt.
 * @param deltas the latest first; those of weights are passed over
 * @returns null where no row acts
 */
export async function spokenDelta(
  open: Pick<OpenModel, 'rowNames'>,
  view: View,
  prompt: readonly number[],
  deltas: readonly DeltaReference[],
): Promise<SpokenDelta | null> {
  const spoken = await view.speaking(prompt);
  if (spoken === null) return null;
  const { row, score, threshold } = spoken;
  for (const delta of deltas) {
    if (leftBeside(delta.kind) === null) continue;
    if ((await open.rowNames(delta)).has(row)) return { blob: delta.blob, score, threshold };
  }
  return { blob: null, score, threshold };
}
