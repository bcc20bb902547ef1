// What the editors share around their methods: edits that fail alone, that hold already, and deltas checked before they leave.
import { ErrataError, isEditFault } from '@errata/contracts';
import { type DecoderSpec, type Delta, ModelError, type View, valueMatrix } from '@errata/models';
import type { DeltaNorms, EditOutcome, EditorOptions, EditRequest, LossTerms } from './editor.ts';

/**
 * Runs the work on edits, or on several that fail together. With `onError: 'continue'` an expected failure becomes the outcome of each; an
 * abort, and a defect of ours, always end the batch.
 * @returns the outcomes of the failure, by custom_id; none where the work succeeded
 */
export async function attempt(
  edits: readonly EditRequest[],
  { onError = 'stop', signal }: EditorOptions,
  work: () => Promise<void>,
): Promise<ReadonlyMap<string, EditOutcome>> {
  signal?.throwIfAborted();
  try {
    await work();
    return new Map();
  } catch (error) {
    const expected = isEditFault(error) || error instanceof ModelError;
    if (!expected || onError === 'stop' || signal?.aborted) throw error;
    const code = error instanceof ModelError ? 'edit_failed' : error.code;
    const failed = { outcome: 'failed', error: { code, message: error.message } } as const;
    return new Map(edits.map(({ custom_id }) => [custom_id, { custom_id, ...failed }]));
  }
}

/**
 * Makes something of each edit by itself; one that fails is left out, as {@link attempt} has it.
 * @returns what was made, in order, and the outcomes of those that failed
 */
export async function attemptEach<T>(
  edits: readonly EditRequest[],
  options: EditorOptions,
  make: (edit: EditRequest) => T,
): Promise<{ readonly made: readonly T[]; readonly failed: readonly EditOutcome[] }> {
  const made: T[] = [];
  const failed: EditOutcome[] = [];
  for (const edit of edits) {
    const outcomes = await attempt([edit], options, async () => {
      made.push(make(edit));
    });
    failed.push(...outcomes.values());
  }
  return { made, failed };
}

/** Whether a model holds an edit before it is made: its loss there is below the one that the editor would stop at. */
export const alreadyHolds = (
  { total }: Pick<LossTerms, 'total'>,
  { stop_loss }: { readonly stop_loss: number },
): boolean => total < stop_loss;

/** What is said of an edit that there was nothing to do for. */
export const heldOutcome = (custom_id: string, loss: LossTerms, probability: number): EditOutcome => ({
  custom_id,
  outcome: 'already_holds',
  diagnostics: {
    steps: 0,
    first_loss: loss,
    last_loss: loss,
    target_probability: { before: probability, after: probability },
    deltas: [],
  },
});

/** The loss of editors that have no term but the target's. */
export const nllOnly = (nll: number): LossTerms => ({ nll, kl: 0, weight_decay: 0, total: nll });

/**
 * A rank-n delta of a layer's W_out from float64 factors.
 * @param custom_ids of the edits it is to carry
 * @param left `[d_ff, rank]` @param right `[rank, d]`
 * @throws ErrataError `zero_delta`, `non_finite_delta`
 */
export function valueDelta(
  spec: DecoderSpec,
  layer: number,
  custom_ids: readonly string[],
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
  requireChange([delta.left, delta.right], layer, custom_ids);
  return delta;
}

/** @throws ErrataError naming the edits: `zero_delta` where a part is all zeros, `non_finite_delta` where one is not finite */
export function requireChange(parts: readonly Float32Array[], layer: number, custom_ids: readonly string[]): void {
  requireFinite(parts, layer, custom_ids);
  if (!parts.every((part) => part.some((x) => x !== 0))) throw zeroDelta(layer, custom_ids);
}

/** @throws ErrataError `non_finite_delta` naming the edits */
export function requireFinite(parts: readonly Float32Array[], layer: number, custom_ids: readonly string[]): void {
  if (parts.every((part) => part.every(Number.isFinite))) return;
  throw new ErrataError('non_finite_delta', `${named(custom_ids)}: the delta of layer ${layer} is not finite`, {
    details: { layer, custom_ids: [...custom_ids] },
  });
}

/** What is said of edits whose delta changes nothing. */
export const zeroDelta = (layer: number, custom_ids: readonly string[]): ErrataError =>
  new ErrataError('zero_delta', `${named(custom_ids)}: the delta of layer ${layer} changes nothing`, {
    details: { layer, custom_ids: [...custom_ids] },
  });

/** The edits that a message is about, of many the first. */
export const named = (custom_ids: readonly string[]): string =>
  custom_ids.length > 5
    ? `${custom_ids.slice(0, 5).join(', ')} and ${custom_ids.length - 5} more`
    : custom_ids.join(', ');

/** Norms of the change of a matrix of a layer, W_out where none is named, from one version to the next. */
export function changeNorms(
  before: View,
  after: View,
  layer: number,
  name = valueMatrix(before.spec, layer).weight,
): DeltaNorms {
  const [from, to] = [before.weight(name), after.weight(name)];
  let change = 0;
  let size = 0;
  for (let i = 0; i < from.length; i++) {
    change += (to[i]! - from[i]!) ** 2;
    size += from[i]! ** 2;
  }
  return { layer, norm: Math.sqrt(change), density: change / from.length, relative: Math.sqrt(change / size) };
}
