// Keys and values kept between runs: a row a sequence, each as long as it is; rows come and go, and slots not yet filled are masked.

import { float32, float32Data, type HostTensor, type HostTensors } from '@errata/graph';
import { indices } from './feeds.ts';
import type { Runner } from './forward.ts';
import { changeFeeds, type LogitChange } from './head.ts';
import { hidden } from './masks.ts';

type Range = readonly [from: number, to: number];

/** Where in a run's keys and values those of a sequence are. */
export interface RunPositions {
  /** Positions of every sequence of the run. */
  readonly time: number;
  readonly sequence: number;
  /** Ranges of positions from one to before another, in order. */
  readonly ranges: readonly Range[];
}

/** The cache of some sequences, and the step that extends all of them by one token. */
export interface KeyValueCache {
  readonly rows: () => number;
  /** Positions that a row has. */
  readonly length: (row: number) => number;
  /**
   * Adds a row behind the others.
   * @param out `key.<layer>` and `value.<layer>` of a run
   * @returns the row
   */
  readonly add: (out: HostTensors, from: RunPositions) => number;
  /** Frees a row; the last one takes its place. */
  readonly remove: (row: number) => void;
  /** All positions of a row, as a run of that one sequence would give them. */
  readonly read: (row: number) => HostTensors;
  /**
   * Runs one more token of every row and keeps its keys and values.
   * @param run {@link Runner.run}, or what stands before it
   * @param logitRows rows whose logits are wanted beside the most likely next tokens
   * @param changes made to logits before these are taken
   */
  readonly step: (
    run: (feeds: HostTensors) => ReturnType<Runner['run']>,
    tokens: readonly number[],
    logitRows: readonly number[],
    changes?: readonly LogitChange[],
  ) => ReturnType<Runner['run']>;
}

/** Slots for new tokens that a cache has room for, at the least, whenever it is laid out. */
const spareSlots = 32;

/** Room for positions up to a length, and for as many again as a quarter of it: what growing copies is spread over the steps between. */
const roomFor = (length: number): number => length + Math.max(spareSlots, Math.ceil(length / 4));

/**
 * Names of the keys and values of all layers.
 * @param prefix `past_` for those that are fed
 */
export const keyValueNames = (layers: number, prefix: '' | 'past_' = ''): readonly string[] =>
  Array.from({ length: layers }, (_, layer) => [`${prefix}key.${layer}`, `${prefix}value.${layer}`]).flat();

/**
 * Copies keys or values of one layer from a run to slots of another array, `[rows, kvHeads, slots, headDim]`.
 * @param to the row, and the slot that the first position goes to
 */
export function copyPositions(
  { kvHeads, headDim }: Pick<Runner['spec'], 'kvHeads' | 'headDim'>,
  source: Float32Array,
  { time, sequence, ranges }: RunPositions,
  target: Float32Array,
  to: { readonly row: number; readonly slots: number; readonly slot: number },
): void {
  for (let head = 0; head < kvHeads; head++) {
    const from = (sequence * kvHeads + head) * time;
    let at = (to.row * kvHeads + head) * to.slots + to.slot;
    for (const [first, end] of ranges) {
      copyFloats(source, (from + first) * headDim, target, at * headDim, (end - first) * headDim);
      at += end - first;
    }
  }
}

/** Up to so many numbers a loop is faster than a view of them (measured: twice as fast for 32, slower for 128). */
const fewFloats = 64;

function copyFloats(source: Float32Array, from: number, target: Float32Array, to: number, count: number): void {
  if (count > fewFloats) target.set(source.subarray(from, from + count), to);
  else for (let i = 0; i < count; i++) target[to + i] = source[from + i]!;
}

/** An empty cache. It is as wide as its longest row needs: a step costs by what is kept, and not by what might come. */
export function makeKeyValueCache({ spec }: Pick<Runner, 'spec'>): KeyValueCache {
  const { kvHeads, headDim, layers, context } = spec;
  const names = keyValueNames(layers);
  const lengths: number[] = [];
  let slots = 0;
  let rowsHeld = 0;
  /** `[rowsHeld, kvHeads, slots, headDim]` by name. */
  const kept = new Map<string, Float32Array>(names.map((name) => [name, new Float32Array(0)]));

  const rowSize = () => kvHeads * slots * headDim;
  const longest = () => Math.max(0, ...lengths);

  /** Lays everything out anew. */
  const layOut = (newSlots: number, newRows: number) => {
    for (const [name, source] of kept) {
      const target = new Float32Array(newRows * kvHeads * newSlots * headDim);
      for (const [row, length] of lengths.entries())
        copyPositions(spec, source, { time: slots, sequence: row, ranges: [[0, length]] }, target, {
          row,
          slots: newSlots,
          slot: 0,
        });
      kept.set(name, target);
    }
    [slots, rowsHeld] = [newSlots, newRows];
  };

  const reserve = (length: number, rows: number) => {
    if (length > slots || rows > rowsHeld)
      layOut(length > slots ? roomFor(length) : slots, rows > rowsHeld ? Math.max(rows, 2 * rowsHeld) : rowsHeld);
  };

  return {
    rows: () => lengths.length,
    length: (row) => lengths[row]!,
    add: (out, from) => {
      const length = from.ranges.reduce((sum, [first, end]) => sum + end - first, 0);
      const row = lengths.length;
      reserve(length, row + 1);
      for (const name of names)
        copyPositions(spec, float32Data(out[name]!), from, kept.get(name)!, { row, slots, slot: 0 });
      lengths.push(length);
      return row;
    },
    remove: (row) => {
      const last = lengths.length - 1;
      for (const data of kept.values()) data.copyWithin(row * rowSize(), last * rowSize(), (last + 1) * rowSize());
      lengths[row] = lengths[last]!;
      lengths.pop();
      // What one long row needed is not carried on for the others.
      const enough = roomFor(longest());
      if (lengths.length === 0) layOut(0, 0);
      else if (slots > 2 * enough || rowsHeld > 4 * lengths.length) layOut(Math.min(slots, enough), lengths.length);
    },
    read: (row) => {
      const length = lengths[row]!;
      const found: Record<string, HostTensor> = {};
      for (const name of names) {
        const data = new Float32Array(kvHeads * length * headDim);
        const from = { time: slots, sequence: row, ranges: [[0, length]] as const };
        copyPositions(spec, kept.get(name)!, from, data, { row: 0, slots: length, slot: 0 });
        found[name] = float32([1, kvHeads, length, headDim], data);
      }
      return found;
    },
    step: async (run, tokens, logitRows, changes = []) => {
      const rows = lengths.length;
      // The last slot is the new token itself.
      const bias = new Float32Array(rows * (slots + 1)).fill(hidden);
      for (const [row, length] of lengths.entries()) {
        bias.fill(0, row * (slots + 1), row * (slots + 1) + length);
        bias[(row + 1) * (slots + 1) - 1] = 0;
      }
      const feeds: Record<string, HostTensor> = {
        ids: indices(tokens),
        // A sequence that is finished and cannot leave goes on at its last position: its results are not looked at.
        positions: indices(lengths.map((length) => Math.min(length, context - 1))),
        bias: float32([rows, 1, 1, slots + 1], bias),
        rows: indices(lengths.map((_, row) => row)),
        targets: indices(lengths.map(() => 0)),
        logit_rows: indices(logitRows),
        ...(changes.length > 0 && changeFeeds(spec, changes)),
      };
      for (const [name, data] of kept)
        feeds[`past_${name}`] = float32([rows, kvHeads, slots, headDim], data.subarray(0, rows * rowSize()));
      const out = await run(feeds);
      reserve(longest() + 1, rows);
      for (const name of names) {
        const fresh = float32Data(out[name]!);
        const target = kept.get(name)!;
        for (const [row, length] of lengths.entries())
          copyPositions(spec, fresh, { time: 1, sequence: row, ranges: [[0, 1]] }, target, {
            row,
            slots,
            slot: length,
          });
      }
      for (const row of lengths.keys()) lengths[row]!++;
      return out;
    },
  };
}
