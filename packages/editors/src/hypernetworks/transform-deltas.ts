// Edits by a trained transform: gradients in runs, what becomes of them, and one delta a matrix.
import type { View } from '@errata/models';
import type { EditorOptions } from '../editor.ts';
import { productDelta } from '../solve/product-delta.ts';
import type { TargetSequence } from '../texts/sequences.ts';
import { readFactors } from './factors.ts';
import type { Transform } from './file.ts';
import { type MapUpdate, updatesOf } from './update.ts';

/** Side by side, as the left factor `[size, rank]` in columns and the right one `[rank, size]` in rows. */
function joined(updates: readonly MapUpdate[], part: 'x' | 'd', size: number): Float64Array {
  const rank = updates.reduce((sum, { count }) => sum + count, 0);
  const all = new Float64Array(rank * size);
  let at = 0;
  for (const update of updates)
    for (let row = 0; row < update.count; row++, at++)
      for (let i = 0; i < size; i++) all[part === 'x' ? i * rank + at : at * size + i] = update[part][row * size + i]!;
  return all;
}

/**
 * @param runs of edits whose gradients are taken together
 * @param custom_ids of all edits, in order
 * @throws ErrataError `zero_delta`, `non_finite_delta`
 */
export async function transformDeltas(
  view: View,
  { spec, weights }: Transform,
  runs: readonly (readonly TargetSequence[])[],
  custom_ids: readonly string[],
  { onProgress, signal }: EditorOptions = {},
) {
  const found: (readonly MapUpdate[])[] = [];
  let done = 0;
  for (const run of runs) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'train', done, edits: custom_ids.length });
    const factors = await readFactors(view, spec.maps, run);
    found.push(await updatesOf(view, spec, weights, factors));
    done += run.length;
  }
  const deltas = [];
  for (const [index, { layer, matrix }] of spec.maps.entries()) {
    const updates = found.map((maps) => maps[index]!);
    const [left, right] = [joined(updates, 'x', matrix.inSize), joined(updates, 'd', matrix.outSize)];
    deltas.push(await productDelta(matrix, layer, custom_ids, left, right));
  }
  return { deltas, changed: spec.maps.map(({ layer, matrix: { weight } }) => ({ layer, tensor: weight })) };
}
