// The tracer: one forward pass that records what a method reads off a version before it searches or trains.
import { float32, float32Data, gather, type HostTensor, input, int32, mulDims, type Tensor } from '@errata/graph';
import {
  buildDecoder,
  causalBias,
  type EncoderDecoderSpec,
  encoderFeeds,
  type Site,
  type Tap,
  type View,
} from '@errata/models';
import type { TargetSequence } from '../texts/sequences.ts';
import { runPruned } from './programs.ts';
import { hasOutputNorm } from './suffix-loss.ts';

/** A sequence with the position that is recorded. */
export interface TracedSequence extends Pick<TargetSequence, 'ids' | 'read'> {
  readonly subjectLast: number;
}

/** Activations of one layer at the recorded positions, one row a sequence. */
export interface LayerRecord {
  /** Input of W_out, `[N, d_ff]`. */
  readonly keys: Float32Array;
  /** What attention adds to the residual stream, `[N, d]`. */
  readonly attnOut: Float32Array;
  /** Output of W_out, bias included, `[N, d]`. */
  readonly mlpOut: Float32Array;
  /** Residual stream after the block, `[N, d]`. */
  readonly blockOut: Float32Array;
}

const recordedSites: ReadonlySet<Site> = new Set(['mlp_key', 'attn_out', 'mlp_out', 'block_out']);

/** Keys and values of one layer, `[N, kvHeads, T, headDim]`. */
export interface CachedLayer {
  readonly key: Float32Array;
  readonly value: Float32Array;
}

/** What one run recorded. */
export interface Trace {
  /** Padded length of the sequences. */
  readonly time: number;
  readonly layers: ReadonlyMap<number, LayerRecord>;
  /** Residual stream before the suffix's first layer, `[N*T, d]`; empty without one. */
  readonly hidden: Float32Array;
  /** Output of the MLP before it, `[N*T, d]`, where a norm is behind that; else empty. */
  readonly output: Float32Array;
  /** One entry a layer of the suffix, where they were asked for. */
  readonly caches: readonly CachedLayer[];
}

/** What is recorded. */
export interface TracePlan {
  /** Layers whose keys and outputs are recorded. */
  readonly recorded: readonly number[];
  /** A suffix graph that will go on from here: its first layer, and whether it wants the caches of its layers. */
  readonly suffix?: { readonly from: number; readonly caches: boolean };
}

/**
 * Sequences side by side: right-padded ids with their positions. Causality keeps padding from mattering.
 * @param over what has read their prompts, where that is an encoder
 */
export function packSequences(
  sequences: readonly Pick<TargetSequence, 'ids' | 'read'>[],
  over?: EncoderDecoderSpec | undefined,
) {
  const batch = sequences.length;
  const time = Math.max(...sequences.map(({ ids }) => ids.length));
  const ids = new Int32Array(batch * time);
  for (const [b, sequence] of sequences.entries()) ids.set(sequence.ids, b * time);
  const positions = Int32Array.from({ length: batch * time }, (_, i) => i % time);
  const read =
    over &&
    encoderFeeds(
      over.encoder,
      sequences.map((sequence) => ({ ids: sequence.read!.input })),
    );
  return { batch, time, ids, positions, bias: causalBias(batch, time), read };
}

/** The inputs of a whole forward pass over packed sequences, but for what an encoder reads. */
export const sequenceInputs = () => {
  const tokens = mulDims('B', 'T');
  return {
    batch: 'B',
    time: 'T',
    start: { kind: 'ids', ids: input('ids', 'int32', [tokens]) },
    positions: input('positions', 'int32', [tokens]),
    bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
  } as const;
};

/** Feeds of {@link sequenceInputs}, and of an encoder. */
export function sequenceFeeds({ batch, time, ids, positions, bias, read }: ReturnType<typeof packSequences>) {
  return {
    ids: int32([batch * time], ids),
    positions: int32([batch * time], positions),
    bias: float32([batch, 1, time, time], bias),
    ...read,
  } satisfies Record<string, HostTensor>;
}

/**
 * Runs sequences through a version and records. Codebooks, which only act at the last token of a prompt they know, are left
 * out: a search changes weights.
 */
export async function trace(view: View, plan: TracePlan, sequences: readonly TracedSequence[]): Promise<Trace> {
  const { spec } = view;
  const { recorded, suffix } = plan;
  const to = suffix?.caches ? spec.layers : Math.max(suffix?.from ?? 0, ...recorded.map((layer) => layer + 1));
  const normed = suffix && hasOutputNorm(spec, suffix.from - 1) ? suffix.from - 1 : undefined;
  const cached = suffix?.caches ? spec.layers - suffix.from : 0;
  const program = await view.program(`trace ${recorded.join(' ')} | ${suffix?.from} ${suffix?.caches}`, (weight) => {
    const rows = input('rows', 'int32', ['N']);
    const outputs: Record<string, Tensor> = {};
    const tap: Tap = (site, layer, x) => {
      if (recorded.includes(layer) && recordedSites.has(site)) outputs[`${site}_${layer}`] = gather(x, rows);
      const stream = suffix?.from === 0 ? site === 'embed' : site === 'block_out' && layer + 1 === suffix?.from;
      if (stream) outputs.hidden = x;
      if (site === 'mlp_out' && layer === normed) outputs.output = x;
      return x;
    };
    const { present } = buildDecoder(spec, { ...sequenceInputs(), weight, to, tap });
    for (const [i, { key, value }] of present.slice(spec.layers - cached).entries()) {
      outputs[`cache_key_${i}`] = key;
      outputs[`cache_value_${i}`] = value;
    }
    return outputs;
  });
  const packed = packSequences(sequences, spec.over);
  const { batch, time } = packed;
  const at = Int32Array.from(sequences, ({ subjectLast }, b) => b * time + subjectLast);
  const out = await runPruned(program, { ...sequenceFeeds(packed), rows: int32([batch], at) });
  const read = (name: string) => float32Data(out[name]!);
  const record = (layer: number): LayerRecord => ({
    keys: read(`mlp_key_${layer}`),
    attnOut: read(`attn_out_${layer}`),
    mlpOut: read(`mlp_out_${layer}`),
    blockOut: read(`block_out_${layer}`),
  });
  return {
    time,
    layers: new Map(recorded.map((layer) => [layer, record(layer)])),
    hidden: suffix ? read('hidden') : new Float32Array(0),
    output: normed === undefined ? new Float32Array(0) : read('output'),
    caches: Array.from({ length: cached }, (_, i) => ({
      key: read(`cache_key_${i}`),
      value: read(`cache_value_${i}`),
    })),
  };
}
