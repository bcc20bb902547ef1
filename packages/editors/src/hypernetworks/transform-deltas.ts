// Edits by a trained transform: gradients in runs, what becomes of them, and one delta a matrix.
import { type Matrix, matrix, transposeMatrix } from '@errata/graph';
import type { Tokenizer, View } from '@errata/models';
import type { EditorInput, EditorOptions } from '../editor.ts';
import { inRuns } from '../methods/one-pass-editor.ts';
import type { LeastSquaresUpdate } from '../solve/least-squares.ts';
import { productDelta } from '../solve/product-delta.ts';
import { ridgeUpdate } from '../solve/ridge.ts';
import type { TargetSequence } from '../texts/sequences.ts';
import type { LaidOutEdit } from '../texts/teacher-forcing.ts';
import { requireTokenizer } from '../texts/tokenizer.ts';
import { readConditions } from './conditioned.ts';
import { readFactors } from './factors.ts';
import type { Transform } from './file.ts';
import { ridgesName } from './transform.ts';
import { type MapUpdate, updatesOf } from './update.ts';

/** One under another: a row a token. */
export function stacked(updates: readonly MapUpdate[], part: 'x' | 'd', size: number): Matrix {
  const all = matrix(
    updates.reduce((sum, { count }) => sum + count, 0),
    size,
  );
  let at = 0;
  for (const update of updates) {
    all.data.set(update[part], at);
    at += update[part].length;
  }
  return all;
}

/** What a map gains: what updates add up to, or, with MALMEN, what comes nearest to all that is asked (Tan et al. 2024, equation 3). */
const gainOf = async (
  { spec, weights }: Transform,
  index: number,
  x: Matrix,
  d: Matrix,
): Promise<LeastSquaresUpdate> =>
  spec.method === 'malmen'
    ? ridgeUpdate(x, d, Math.exp(weights.get(ridgesName)![index]!))
    : { keySide: transposeMatrix(x), valueSide: d };

/** Edits of a batch, their gradients taken `size` at a time. @throws as {@link transformDeltas} */
export const transformEdits = (
  { view, model }: Pick<EditorInput<unknown>, 'view' | 'model'>,
  transform: Transform,
  asked: readonly LaidOutEdit[],
  size: number,
  options: EditorOptions,
) =>
  transformDeltas(
    view,
    requireTokenizer({ model }),
    transform,
    inRuns(
      asked.map(({ sequence }) => sequence),
      size,
    ),
    asked.map(({ edit: { custom_id } }) => custom_id),
    options,
  );

/**
 * @param runs of edits whose gradients are taken together
 * @param custom_ids of all edits, in order
 * @throws ErrataError `zero_delta`, `non_finite_delta`
 */
export async function transformDeltas(
  view: View,
  tokenizer: Tokenizer,
  transform: Transform,
  runs: readonly (readonly TargetSequence[])[],
  custom_ids: readonly string[],
  { onProgress, signal }: EditorOptions = {},
) {
  const { spec, weights } = transform;
  const found: (readonly MapUpdate[])[] = [];
  let done = 0;
  for (const run of runs) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'train', done, edits: custom_ids.length });
    const factors = await readFactors(view, spec, run);
    const conditions = spec.method === 'ke' ? await readConditions(view, tokenizer, run) : undefined;
    found.push(await updatesOf(view, spec, weights, factors, conditions));
    done += run.length;
  }
  const deltas = [];
  for (const [index, { layer, matrix: ref }] of spec.maps.entries()) {
    const updates = found.map((maps) => maps[index]!);
    const [x, d] = [stacked(updates, 'x', ref.inSize), stacked(updates, 'd', ref.outSize)];
    const { keySide, valueSide } = await gainOf(transform, index, x, d);
    deltas.push(await productDelta(ref, layer, custom_ids, keySide.data, valueSide.data));
  }
  return { deltas, changed: spec.maps.map(({ layer, matrix: { weight } }) => ({ layer, tensor: weight })) };
}
