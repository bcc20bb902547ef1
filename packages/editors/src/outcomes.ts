// What the editors share around their methods: one edit failing alone, and deltas checked before they leave.
import { ErrataError, toPlainError } from '@errata/contracts';
import { type DecoderSpec, type Delta, ModelError, type View, valueMatrix } from '@errata/models';
import type { DeltaNorms, EditOutcome, EditorOptions, EditRequest } from './editor.ts';

/**
 * Runs the work on one edit. With `onError: 'continue'` an expected failure becomes the edit's outcome; an abort, and a
 * defect of ours, always end the batch.
 * @returns the outcome of the failure, or undefined where the work succeeded
 */
export async function attempt(
  edit: EditRequest,
  { onError = 'stop', signal }: EditorOptions,
  work: () => Promise<void>,
): Promise<Extract<EditOutcome, { outcome: 'failed' }> | undefined> {
  signal?.throwIfAborted();
  try {
    await work();
    return undefined;
  } catch (error) {
    const expected = error instanceof ErrataError || error instanceof ModelError;
    if (!expected || onError === 'stop' || signal?.aborted) throw error;
    const { code, message } =
      error instanceof ModelError ? { code: 'edit_failed' as const, message: error.message } : toPlainError(error);
    return { custom_id: edit.custom_id, outcome: 'failed', error: { code, message } };
  }
}

/**
 * A rank-n delta of a layer's W_out from float64 factors.
 * @param left `[d_ff, rank]` @param right `[rank, d]`
 * @throws ErrataError `zero_delta`, `non_finite_delta`
 */
export function valueDelta(
  spec: DecoderSpec,
  layer: number,
  rank: number,
  left: Float64Array,
  right: Float64Array,
): Delta {
  const delta: Delta = {
    kind: 'low_rank',
    tensor: valueMatrix(spec, layer).weight,
    rank,
    left: Float32Array.from(left),
    right: Float32Array.from(right),
  };
  requireChange([delta.left, delta.right], layer);
  return delta;
}

/** @throws ErrataError `zero_delta` where a part is all zeros, `non_finite_delta` where one is not finite */
export function requireChange(parts: readonly Float32Array[], layer: number): void {
  if (!parts.every((part) => part.every(Number.isFinite))) {
    throw new ErrataError('non_finite_delta', `the delta of layer ${layer} is not finite`, { details: { layer } });
  }
  if (!parts.every((part) => part.some((x) => x !== 0))) {
    throw new ErrataError('zero_delta', `the delta of layer ${layer} changes nothing`, { details: { layer } });
  }
}

/** Norms of the change from one version of W_out to the next. */
export function changeNorms(before: View, after: View, layer: number): DeltaNorms {
  const name = valueMatrix(before.spec, layer).weight;
  const [from, to] = [before.weight(name), after.weight(name)];
  let change = 0;
  let size = 0;
  for (let i = 0; i < from.length; i++) {
    change += (to[i]! - from[i]!) ** 2;
    size += from[i]! ** 2;
  }
  return { layer, norm: Math.sqrt(change), density: change / from.length, relative: Math.sqrt(change / size) };
}
