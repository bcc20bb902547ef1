// Keys and values kept between runs: arrays that grow as they are filled, a row a sequence, slots not yet filled being masked.

import { float32, float32Data, type HostTensor, type HostTensors } from '@errata/graph';
import { indices } from './feeds.ts';
import type { Runner } from './forward.ts';
import { hidden } from './masks.ts';

type Range = readonly [from: number, to: number];

/** The cache of some sequences, and the step that extends all of them by one token. */
export interface KeyValueCache {
  /**
   * Copies keys and values of a run into a row, from slot 0 on.
   * @param out outputs of a run of sequences of `time` positions
   * @param from which of them, and which of its positions: ranges from one to before another, in order
   */
  readonly fill: (
    row: number,
    out: HostTensors,
    from: { readonly time: number; readonly sequence: number; readonly ranges: readonly Range[] },
  ) => void;
  /**
   * Runs one more token of every sequence and keeps its keys and values.
   * @param wanted the most likely next tokens alone, or the logits too
   */
  readonly step: (tokens: readonly number[], wanted: 'best' | 'logits') => Promise<HostTensors>;
}

/** Slots for new tokens that a cache begins with; whenever they are full there are twice as many, up to what may be needed. */
const firstSlots = 32;

/** The arrays of a cache of a capacity, and the feeds that a step has of them. */
interface Store {
  readonly capacity: number;
  readonly kept: readonly { readonly key: Float32Array; readonly value: Float32Array }[];
  /** `[batch, slots]`, the last slot being the new token itself. */
  readonly bias: Float32Array;
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

/**
 * A cache for as many sequences as there are lengths. It grows as it is filled: a step costs by what is kept, and not by what might come.
 * @param lengths positions that will be filled of each before the first step
 * @param steps that will be taken at most
 */
export function makeKeyValueCache(forward: Runner, lengths: readonly number[], steps: number): KeyValueCache {
  const { kvHeads, headDim, layers, context } = forward.spec;
  const batch = lengths.length;
  const filled = Math.max(...lengths);
  const most = filled + Math.max(0, steps - 1);
  const each = indices(lengths.map((_, row) => row));
  const none = indices([]);

  const makeStore = (capacity: number): Store => {
    const array = () => new Float32Array(batch * kvHeads * capacity * headDim);
    const kept = Array.from({ length: layers }, () => ({ key: array(), value: array() }));
    const slots = capacity + 1;
    const bias = new Float32Array(batch * slots).fill(hidden);
    for (const [row, length] of lengths.entries()) {
      bias.fill(0, row * slots, row * slots + length);
      bias[(row + 1) * slots - 1] = 0;
    }
    const feeds: Record<string, HostTensor> = {
      rows: each,
      targets: indices(lengths.map(() => 0)),
      bias: float32([batch, 1, 1, slots], bias),
    };
    for (const [layer, { key, value }] of kept.entries()) {
      const dims = [batch, kvHeads, capacity, headDim];
      feeds[`past_key.${layer}`] = float32(dims, key);
      feeds[`past_value.${layer}`] = float32(dims, value);
    }
    return { capacity, kept, bias, feeds };
  };

  /** A larger store with all that is in this one. */
  const grown = (from: Store): Store => {
    const to = makeStore(Math.min(most, filled + 2 * (from.capacity - filled)));
    const copy = (source: Float32Array, target: Float32Array) => {
      const size = from.capacity * headDim;
      for (let lane = 0; lane < batch * kvHeads; lane++)
        target.set(source.subarray(lane * size, (lane + 1) * size), lane * to.capacity * headDim);
    };
    for (const [layer, { key, value }] of from.kept.entries()) {
      copy(key, to.kept[layer]!.key);
      copy(value, to.kept[layer]!.value);
    }
    for (let row = 0; row < batch; row++)
      to.bias.fill(0, row * (to.capacity + 1) + filled, row * (to.capacity + 1) + from.capacity);
    return to;
  };

  let store = makeStore(Math.min(most, filled + firstSlots));
  let taken = 0;

  return {
    fill: (row, out, from) => {
      const { capacity, kept } = store;
      for (const [layer, { key, value }] of kept.entries()) {
        for (const [target, name] of [
          [key, `key.${layer}`],
          [value, `value.${layer}`],
        ] as const) {
          const fresh = float32Data(out[name]!);
          for (let head = 0; head < kvHeads; head++) {
            const source = (from.sequence * kvHeads + head) * from.time;
            const to = (row * kvHeads + head) * capacity;
            let at = to;
            for (const [first, end] of from.ranges) {
              target.set(fresh.subarray((source + first) * headDim, (source + end) * headDim), at * headDim);
              at += end - first;
            }
          }
        }
      }
    },
    step: async (tokens, wanted) => {
      // A sequence that is finished goes on at its last position: its results are not looked at.
      const positions = lengths.map((length) => Math.min(length + taken, context - 1));
      const out = await forward.run(
        {
          ...store.feeds,
          ids: indices(tokens),
          positions: indices(positions),
          logit_rows: wanted === 'logits' ? each : none,
        },
        [],
      );
      const slot = filled + taken++;
      if (slot < most) {
        if (slot === store.capacity) store = grown(store);
        const { capacity, kept, bias } = store;
        for (const [layer, { key, value }] of kept.entries()) {
          keepOne(key, float32Data(out[`key.${layer}`]!), slot, capacity);
          keepOne(value, float32Data(out[`value.${layer}`]!), slot, capacity);
        }
        for (let row = 0; row < batch; row++) bias[row * (capacity + 1) + slot] = 0;
      }
      return out;
    },
  };

  function keepOne(target: Float32Array, fresh: Float32Array, slot: number, capacity: number): void {
    for (let lane = 0; lane < batch * kvHeads; lane++)
      target.set(fresh.subarray(lane * headDim, (lane + 1) * headDim), (lane * capacity + slot) * headDim);
  }
}
