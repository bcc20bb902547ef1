// WISE: a copy of one W_out is trained on the answers and takes over where its outputs differ enough from W_out's (Wang et al. 2024).
import { ErrataError } from '@errata/contracts';
import { float32, float32Data, int32 } from '@errata/graph';
import {
  denseOf,
  gapsBetween,
  memoryAt,
  placesOf,
  type SideChangeDelta,
  type SideMemory,
  sideName,
  uniform,
  type View,
  valueMatrix,
} from '@errata/models';
import type { Editor, EditorOptions } from '../../editor.ts';
import { requireChange } from '../../outcomes.ts';
import { runPruned } from '../../search/programs.ts';
import { packSequences, sequenceFeeds, trace } from '../../search/tracer.ts';
import { prefixTexts } from '../../texts/prefix-texts.ts';
import { type TargetSequence, targetSequences } from '../../texts/sequences.ts';
import { requireTokenizer, sequenceSource } from '../../texts/tokenizer.ts';
import { editOneByOne } from '../one-by-one.ts';
import { sideProgram } from './losses.ts';
import type { WiseSettings } from './settings.ts';

/** Training ends where the loss moves by no more than this (the repository's). */
const still = 1e-4;

/** The places of a matrix that edits of a shard may change: each is drawn by itself. */
function drawnPlaces(size: number, ratio: number, seed: number, shard: number): Float32Array {
  const next = uniform(seed, shard);
  const places: number[] = [];
  for (let place = 0; place < size; place++) if (next() < ratio) places.push(place);
  return gapsBetween(places);
}

/** Where an edit goes: into the shard that is not full yet, or into one of its own. */
function shardOf(memory: SideMemory | undefined, { shard_size, merge_shards }: WiseSettings) {
  const sides = memory?.sides ?? [];
  const open = sides.find(({ edits }) => edits < shard_size);
  const shard = open?.shard ?? Math.max(-1, ...sides.map((side) => side.shard)) + 1;
  const filled = (open?.edits ?? 0) + 1 === shard_size;
  const full = [...sides.filter(({ edits }) => edits === shard_size).map((side) => side.shard), shard];
  return { shard, open, merged: filled && full.length === merge_shards ? full : [] };
}

/** Means over tokens as rows of a matrix: every prompt of the edit is a query, and so is every token behind it that is read. */
function queriesOf(contexts: readonly TargetSequence[], time: number, sequences: number) {
  const size = time * sequences;
  const inside = contexts.flatMap(({ ids, targetStart }, b) => {
    const prompt = new Float32Array(size).fill(1 / (targetStart + 1), b * time, b * time + targetStart + 1);
    const behind = Array.from({ length: ids.length - targetStart - 1 }, (_, i) =>
      new Float32Array(size).fill(1, b * time + targetStart + 1 + i, b * time + targetStart + 2 + i),
    );
    return [prompt, ...behind];
  });
  const flat = new Float32Array(inside.length * size);
  for (const [q, row] of inside.entries()) flat.set(row, q * size);
  return { inside: float32([inside.length, size], flat), count: inside.length };
}

interface Trained {
  /** By place of the shard's mask. */
  readonly values: Float32Array;
  /** What the outputs of the edit's queries differ by, in the mean. */
  readonly difference: number;
  readonly steps: number;
}

/** Gradient descent on the elements of the mask, from where the shard stands. */
async function trainSide(
  view: View,
  settings: WiseSettings,
  before: { readonly gaps: Float32Array; readonly values: Float32Array },
  contexts: readonly TargetSequence[],
  unrelated: readonly number[],
  { signal }: EditorOptions,
  onStep: (step: number, loss: number) => void,
): Promise<Trained> {
  const { layer, learning_rate, weight_decay, norm_constraint: bound } = settings;
  const { spec } = view;
  const { inSize, outSize, orientation, weight: tensor } = valueMatrix(spec, layer);
  const sequences = [...contexts.map(({ ids }) => ids), unrelated].map((ids) => ({ ids, subjectLast: 0 }));
  const { hidden } = await trace(view, { recorded: [], suffix: { from: layer, caches: false } }, sequences);
  const packed = packSequences(sequences);
  const { batch, time } = packed;
  const { ids: _, ...layout } = sequenceFeeds(packed);
  const { inside } = queriesOf(contexts, time, batch);
  const outside = new Float32Array(batch * time);
  outside.fill(1 / unrelated.length, (batch - 1) * time, (batch - 1) * time + unrelated.length);
  const read = contexts.flatMap(({ targetIds, targetStart }, b) =>
    targetIds.map((id, i) => ({
      id,
      row: b * time + targetStart + i,
      weight: 1 / (contexts.length * targetIds.length),
    })),
  );
  const feeds = {
    ...layout,
    hidden: float32([batch * time, spec.width], hidden),
    rows: int32(
      [read.length],
      Int32Array.from(read, ({ row }) => row),
    ),
    targets: int32(
      [read.length],
      Int32Array.from(read, ({ id }) => id),
    ),
    row_weights: float32(
      [read.length],
      Float32Array.from(read, ({ weight }) => weight),
    ),
    inside,
    outside: float32([1, batch * time], outside),
  };
  const program = await sideProgram(view, settings);
  const weight = view.weight(tensor);
  const places = placesOf(before);
  const original = Float32Array.from(places, (place) => {
    const [i, j] = [Math.floor(place / outSize), place % outSize];
    return weight[orientation === 'in_out' ? place : j * inSize + i]!;
  });
  const change = denseOf(before, inSize * outSize);
  let previous = Number.POSITIVE_INFINITY;
  for (let step = 0; ; step++) {
    signal?.throwIfAborted();
    const out = await runPruned(program, { ...feeds, change: float32([inSize, outSize], change) });
    const loss = float32Data(out.loss!)[0]!;
    onStep(step, loss);
    if (!Number.isFinite(loss)) throw new ErrataError('non_finite_delta', `training diverged in step ${step}`);
    if (step === settings.steps || (Math.abs(loss - previous) <= still && loss <= settings.stop_loss)) {
      const differences = float32Data(out.differences!);
      return {
        values: Float32Array.from(places, (place) => change[place]!),
        difference: differences.reduce((sum, d) => sum + d, 0) / differences.length,
        steps: step,
      };
    }
    previous = loss;
    const gradient = float32Data(out.gradient!);
    for (const [i, place] of places.entries()) {
      const now = change[place]!;
      const slope = gradient[place]! + weight_decay * (original[i]! + now);
      change[place] = Math.min(bound, Math.max(-bound, now - learning_rate * slope));
    }
  }
}

/** WISE. Edits are made in order, and each leaves what it changes of the shard that it belongs to. */
export const edit: Editor<WiseSettings> = async (editorInput, options) => {
  const { view, edits, config, seed } = editorInput;
  const { layer } = config;
  const tokenizer = requireTokenizer(editorInput);
  const source = sequenceSource(editorInput);
  const prefixes = config.prefixes.length === 0 ? [] : await prefixTexts(editorInput);
  const unrelated = await prefixTexts({ ...editorInput, config: { prefixes: config.unrelated } });
  const { activation } = view.spec.blocks[layer]!.mlp;
  const { inSize, outSize } = valueMatrix(view.spec, layer);
  return editOneByOne(editorInput, options, {
    phase: 'train',
    make: async ({ edit, served, done }) => {
      const { custom_id } = edit;
      const memory = memoryAt(served.memories, 'side_memory', sideName({ layer, activation }));
      const { shard, open, merged } = shardOf(memory, config);
      const gaps = open?.gaps ?? drawnPlaces(inSize * outSize, config.mask_ratio, seed, shard);
      const before = { gaps, values: open?.values ?? new Float32Array(gaps.length) };
      const made = memory?.sides.reduce((sum, side) => sum + side.edits, 0) ?? 0;
      const text = unrelated[made % unrelated.length]!;
      const { values, difference, steps } = await trainSide(
        served,
        config,
        before,
        targetSequences(source, edit, prefixes).contexts,
        [...tokenizer.prefixIds, ...tokenizer.encode(text)],
        options,
        (step, loss) =>
          options.onProgress?.({
            phase: 'train',
            done,
            edits: edits.length,
            custom_id,
            layer,
            step,
            steps: config.steps,
            loss,
          }),
      );
      const changes = values.map((value, i) => value - before.values[i]!);
      requireChange([changes], layer, [custom_id]);
      const delta: SideChangeDelta = {
        kind: 'side_change',
        layer,
        activation,
        inSize,
        outSize,
        shard,
        gaps,
        values: changes,
        threshold: Math.fround(config.threshold_ratio * difference),
        merged,
        density: config.density,
      };
      return { delta, steps };
    },
  });
};
