// The outer loss of a hypernetwork: edited by what it makes of gradients, does the model say the new, and else the same?
import {
  add,
  addDims,
  cast,
  concat,
  equal,
  exp,
  float32,
  gatherElements,
  gemm,
  type HostTensor,
  input,
  int32,
  logSoftmax,
  mul,
  neg,
  reduceSum,
  reshape,
  slice,
  sub,
  type Tensor,
} from '@errata/graph';
import { buildDecoder, type DecoderSpec, type Tap, type Tokenizer, type View, type WeightSource } from '@errata/models';
import { runPruned } from '../search/programs.ts';
import { packSequences, sequenceFeeds, sequenceInputs } from '../search/tracer.ts';
import type { TargetSequence } from '../texts/sequences.ts';
import { beforeProgram } from '../training/before.ts';
import { type DrawnRecord, itemSequence } from '../training/records.ts';
import { tuneTargets } from '../training/targets.ts';
import type { EditedMap } from './maps.ts';

/** The terms of the loss. */
export const outerTerms = ['generality', 'locality'] as const;

/** Factors of the terms. */
export interface OuterWeights {
  readonly edit_weight: number;
  readonly locality_weight: number;
}

/**
 * Has maps put out more.
 * @param gain of a map by its index and what goes into it, `[tokens, inSize]`: what it is to put out more, `[tokens, outSize]`
 */
export function gainingTap(maps: readonly EditedMap[], gain: (index: number, x: Tensor) => Tensor): Tap {
  const taken = new Map<string, Tensor>();
  const gains = new Map<EditedMap, Tensor>();
  return (site, layer, activation) => {
    taken.set(`${site} ${layer}`, activation);
    const map = maps.find((one) => one.layer === layer && one.outputs.includes(site));
    if (map === undefined) return activation;
    const all = gains.get(map) ?? gain(maps.indexOf(map), taken.get(`${map.input} ${layer}`)!);
    gains.set(map, all);
    const size = map.matrix.outSize / map.outputs.length;
    const from = map.outputs.indexOf(site) * size;
    return add(activation, slice(all, 1, from, from + size));
  };
}

/** What an update does to a map, by the tokens of its gradient: the factors of its change, and the update of each. */
export interface UpdateFactors {
  readonly x: Tensor;
  readonly d: Tensor;
  /** `[N]` each, one behind another. */
  readonly updates: readonly Tensor[];
}

/**
 * Makes every update act on its own sequences: x W + (x X~^T * M) D~, with M 1 where a token of a sequence and one of the gradient are of the same
 * update. It is the change of W, without a W for each of them. An input `update_of_row` says of which update each row is.
 */
export function updatingTap(maps: readonly EditedMap[], factorsOf: (index: number) => UpdateFactors): Tap {
  const tokens = sequenceInputs().positions.dims[0]!;
  const updateOfRow = reshape(input('update_of_row', 'int32', [tokens]), [tokens, 1]);
  return gainingTap(maps, (index, activation) => {
    const { x, d, updates } = factorsOf(index);
    const same = updates.map((each) => cast(equal(updateOfRow, reshape(each, [1, each.dims[0]!])), 'float32'));
    return gemm(mul(gemm(activation, x, { transB: true }), same.length === 1 ? same[0]! : concat(same, 1)), d);
  });
}

/**
 * The terms of the loss: means over edits of the loss on what each is to bring about, and of the divergence on what it is to leave alone.
 *
 * Beside the sequences its inputs are `rows` `[R]` with their `targets` `[R, 1]` and `row_weights` `[R]`, and `locality_rows` `[L]` with `before`
 * `[L, vocabulary]` and `locality_weights` `[L]`.
 * @param weight the model's, frozen @param tap makes the edits
 * @param smoothing probability that the first spreads over all tokens but the wanted one
 */
export function outerTermsOf(
  decoder: DecoderSpec,
  weight: WeightSource,
  tap: Tap,
  smoothing = 0,
): Readonly<Record<(typeof outerTerms)[number], Tensor>> {
  const { logits } = buildDecoder(decoder, {
    ...sequenceInputs(),
    rows: input('all_rows', 'int32', [addDims('R', 'L')]),
    weight,
    tap,
  });
  const all = logSoftmax(logits());
  const asked = slice(all, 0, 0, 'R');
  const picked = reshape(gatherElements(asked, input('targets', 'int32', ['R', 1]), 1), ['R']);
  const spread = smoothing / (decoder.vocab - 1);
  const wanted =
    smoothing === 0 ? picked : add(mul(picked, 1 - smoothing - spread), mul(reduceSum(asked, [1]), spread));
  const generality = neg(reduceSum(mul(wanted, input('row_weights', 'float32', ['R']))));
  const after = slice(all, 0, 'R', addDims('R', 'L'));
  const before = input('before', 'float32', ['L', decoder.vocab]);
  const divergence = reduceSum(mul(exp(before), sub(before, after)), [1]);
  const locality = reduceSum(mul(divergence, input('locality_weights', 'float32', ['L'])));
  return { generality, locality };
}

/** The loss with its terms. */
export function outerLoss(
  decoder: DecoderSpec,
  weight: WeightSource,
  tap: Tap,
  { edit_weight, locality_weight }: OuterWeights,
): Readonly<Record<'loss' | (typeof outerTerms)[number], Tensor>> {
  const { generality, locality } = outerTermsOf(decoder, weight, tap);
  return { loss: add(mul(generality, edit_weight), mul(locality, locality_weight)), generality, locality };
}

const indices = (values: readonly number[]) => int32([values.length], Int32Array.from(values));
const weightsOf = (values: readonly number[]) => float32([values.length], Float32Array.from(values));

/** Rows, targets and weights of sequences that are the `from`th of a run and those behind it. */
function rowsFrom(sequences: readonly TargetSequence[], from: number, time: number) {
  const { rows, targets, weights } = tuneTargets(sequences, time, 'target_new');
  return { rows: rows.map((row) => row + from * time), targets, weights };
}

/**
 * Feeds of {@link outerTermsOf} for some sequences, and these as they are packed: what is to be brought about, then what is to be left alone.
 * @param alone the latter as the version reads them that they are held to
 */
export async function judgedFeeds(
  view: View,
  asked: readonly TargetSequence[],
  away: readonly TargetSequence[],
  alone: readonly TargetSequence[] = away,
): Promise<{
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly packed: ReturnType<typeof packSequences>;
}> {
  const packed = packSequences([...asked, ...away]);
  const edited = rowsFrom(asked, 0, packed.time);
  const kept = rowsFrom(away, asked.length, packed.time);
  const apart = packSequences(alone);
  const unedited = await runPruned(await beforeProgram(view), {
    ...sequenceFeeds(apart),
    rows: indices(rowsFrom(alone, 0, apart.time).rows),
  });
  const feeds = {
    ...sequenceFeeds(packed),
    ...unedited,
    all_rows: indices([...edited.rows, ...kept.rows]),
    targets: int32([edited.targets.length, 1], Int32Array.from(edited.targets)),
    row_weights: weightsOf(edited.weights),
    locality_weights: weightsOf(kept.weights),
  };
  return { feeds, packed };
}

/**
 * Feeds of {@link outerTermsOf} for some edits: what each is to bring about, then, of each again, what it is to leave alone.
 * @param sorts what is to be brought about: each of all edits, one after another
 */
export async function outerFeeds(
  view: View,
  tokenizer: Tokenizer,
  batch: readonly DrawnRecord[],
  sorts: readonly ('reliability' | 'generality')[] = ['generality'],
): Promise<{
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Index of the edit of every row of the run. */
  readonly editOfRow: readonly number[];
}> {
  const sequencesOf = (sort: 'reliability' | 'generality' | 'locality') =>
    batch.map((record) => itemSequence(tokenizer, record[sort]));
  const { feeds, packed } = await judgedFeeds(view, sorts.flatMap(sequencesOf), sequencesOf('locality'));
  return {
    feeds,
    editOfRow: Array.from(
      { length: packed.batch * packed.time },
      (_, row) => Math.floor(row / packed.time) % batch.length,
    ),
  };
}
