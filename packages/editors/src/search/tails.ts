// Tails: what a value search runs at every step. Cut out of one frozen forward pass, then packed side by side.
import { float32, type HostTensor, int32 } from '@errata/graph';
import type { DecoderSpec } from '@errata/models';
import type { Trace } from './tracer.ts';

/** One sequence from the subject's last token on, with the caches of what precedes it. */
export interface Tail {
  /** Positions before the subject's last token. */
  readonly past: number;
  readonly length: number;
  /** Residual stream after the edited layer, `[length, d]`. */
  readonly hidden: Float32Array;
  /** Output of that layer's MLP, `[length, d]`, where a norm is behind it; else empty. */
  readonly output: Float32Array;
  /** One entry a suffix layer, `[kvHeads, past, headDim]`. */
  readonly caches: readonly { readonly key: Float32Array; readonly value: Float32Array }[];
  /** First row that predicts a target, and what it and the following ones predict; no targets for the KL prompt. */
  readonly targetStart: number;
  readonly targetIds: readonly number[];
  /** Weight of each target token in the gradient. */
  readonly targetWeight: number;
}

/** A sequence whose tail is cut; positions as in the whole sequence. */
export interface TailSource {
  readonly ids: readonly number[];
  readonly subjectLast: number;
  readonly targetStart: number;
  readonly targetIds: readonly number[];
  readonly targetWeight: number;
}

/** Cuts the tail of the index-th sequence of a trace. Copies, so that the trace can go. */
export function cutTail(spec: DecoderSpec, trace: Trace, index: number, source: TailSource): Tail {
  const { width, kvHeads, headDim } = spec;
  const { time } = trace;
  const past = source.subjectLast;
  const length = source.ids.length - past;
  const from = (index * time + past) * width;
  const pastOf = (cache: Float32Array) => {
    const kept = new Float32Array(kvHeads * past * headDim);
    for (let head = 0; head < kvHeads; head++) {
      const at = (index * kvHeads + head) * time * headDim;
      kept.set(cache.subarray(at, at + past * headDim), head * past * headDim);
    }
    return kept;
  };
  return {
    past,
    length,
    hidden: trace.hidden.slice(from, from + length * width),
    output: trace.output.slice(from, from + length * width),
    caches: trace.caches.map(({ key, value }) => ({ key: pastOf(key), value: pastOf(value) })),
    targetStart: source.targetStart - past,
    targetIds: source.targetIds,
    targetWeight: source.targetWeight,
  };
}

/** The tails that share one offset: contexts with targets, then the KL prompt. */
export interface TailGroup {
  readonly contexts: readonly Tail[];
  /** Left out where there is no KL term. */
  readonly essence?: Tail;
}

/** Feeds of the suffix loss that do not change while the offsets do, and where its results belong. */
export interface PackedTails {
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Target rows of each context of each group: `[start, end)` in the loss's `log_probs`. */
  readonly spans: readonly (readonly (readonly [number, number])[])[];
}

const hidden = -1e9;

/** Packs groups: right-padded in time, left-aligned in the cache, padding hidden. Offsets take the order of the groups. */
export function packTails(spec: DecoderSpec, groups: readonly TailGroup[]): PackedTails {
  const entries = groups.flatMap(({ contexts, essence }, group) =>
    [...contexts, ...(essence ? [essence] : [])].map((tail) => ({ tail, group })),
  );
  const batch = entries.length;
  const time = Math.max(...entries.map(({ tail }) => tail.length));
  const past = Math.max(...entries.map(({ tail }) => tail.past));
  const rows = batch * time;
  const stream = new Float32Array(rows * spec.width);
  const output = new Float32Array(rows * spec.width);
  const selector = new Float32Array(rows * groups.length);
  const positions = new Int32Array(rows);
  const bias = new Float32Array(batch * time * (past + time)).fill(hidden);
  const targetRows: number[] = [];
  const targetIds: number[] = [];
  const targetWeights: number[] = [];
  const essenceRows: number[] = [];
  const spans: [number, number][][] = groups.map(() => []);
  for (const [b, { tail, group }] of entries.entries()) {
    stream.set(tail.hidden, b * time * spec.width);
    output.set(tail.output, b * time * spec.width);
    selector[b * time * groups.length + group] = 1;
    for (let t = 0; t < time; t++) {
      // Padding repeats the last position: it is seen by nothing and must stay inside the position table.
      positions[b * time + t] = tail.past + Math.min(t, tail.length - 1);
      const row = (b * time + t) * (past + time);
      bias.fill(0, row, row + tail.past);
      bias.fill(0, row + past, row + past + t + 1);
    }
    if (tail === groups[group]!.essence) {
      essenceRows.push(b * time + tail.length - 1);
      continue;
    }
    const start = targetRows.length;
    for (const [i, id] of tail.targetIds.entries()) {
      targetRows.push(b * time + tail.targetStart + i);
      targetIds.push(id);
      targetWeights.push(tail.targetWeight);
    }
    spans[group]!.push([start, targetRows.length]);
  }
  const layers = entries[0]!.tail.caches.length;
  const shape = [batch, spec.kvHeads, past, spec.headDim];
  const caches: Record<string, HostTensor> = {};
  for (let i = 0; i < layers; i++) {
    const of = (part: 'key' | 'value') =>
      float32(
        shape,
        packCaches(
          spec,
          entries.map(({ tail }) => ({ past: tail.past, data: tail.caches[i]![part] })),
          past,
        ),
      );
    caches[`past_key_${i}`] = of('key');
    caches[`past_value_${i}`] = of('value');
  }
  return {
    spans,
    feeds: {
      hidden: float32([rows, spec.width], stream),
      output: float32([rows, spec.width], output),
      selector: float32([rows, groups.length], selector),
      positions: int32([rows], positions),
      bias: float32([batch, 1, time, past + time], bias),
      rows: int32([targetRows.length + essenceRows.length], Int32Array.from([...targetRows, ...essenceRows])),
      targets: int32([targetIds.length], Int32Array.from(targetIds)),
      target_weights: float32([targetWeights.length], Float32Array.from(targetWeights)),
      ...caches,
    },
  };
}

function packCaches(
  { kvHeads, headDim }: DecoderSpec,
  parts: readonly { readonly past: number; readonly data: Float32Array }[],
  past: number,
): Float32Array {
  const packed = new Float32Array(parts.length * kvHeads * past * headDim);
  for (const [b, part] of parts.entries()) {
    const length = part.past * headDim;
    for (let head = 0; head < kvHeads; head++) {
      packed.set(part.data.subarray(head * length, (head + 1) * length), (b * kvHeads + head) * past * headDim);
    }
  }
  return packed;
}
