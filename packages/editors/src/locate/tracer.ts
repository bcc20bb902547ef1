// A tracer: one forward pass that records what a locate-then-edit method reads off a model before it searches.
import {
  compile,
  constant,
  float32,
  float32Data,
  gather,
  type HostTensor,
  input,
  int32,
  mulDims,
  type Program,
  type Tensor,
} from '@errata/graph';
import { buildDecoder, causalBias, type DecoderSpec, matrixShape, valueMatrix } from '@errata/models';
import { runPruned } from '../programs.ts';

/** A model as the editors' graphs read it. */
export interface WeightSource {
  readonly spec: DecoderSpec;
  /** A weight as the version has it, float32, by its checkpoint name. */
  readonly weight: (name: string) => Float32Array;
}

/** A value matrix W_out in the checkpoint's own orientation, as an editor has changed it so far; by layer. */
export type ValueMatrices = ReadonlyMap<number, Float32Array>;

/** A sequence with the position that is recorded. */
export interface TracedSequence {
  readonly ids: readonly number[];
  readonly subjectLast: number;
}

/** Activations of one layer at the recorded positions, one row a sequence. */
export interface LayerRecord {
  /** Input of W_out, `[N, d_ff]`. */
  readonly keys: Float32Array;
  /** Output of W_out, bias included, `[N, d]`. */
  readonly mlpOut: Float32Array;
  /** Residual stream after the block, `[N, d]`. */
  readonly blockOut: Float32Array;
}

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
  /** With a suffix: the residual stream before its first layer, `[N*T, d]`, and the caches of its layers. */
  readonly hidden: Float32Array | undefined;
  readonly caches: readonly CachedLayer[];
}

/** A compiled tracer. */
export interface Tracer {
  /** @param matrices changed W_out of editable layers; the others are as the version has them */
  trace(sequences: readonly TracedSequence[], matrices?: ValueMatrices): Promise<Trace>;
  release(): Promise<void>;
}

/** What a tracer records. */
export interface TracerPlan {
  /** Layers whose keys and outputs are recorded. */
  readonly recorded: readonly number[];
  /** Layers whose W_out may be given at each run. */
  readonly editable: readonly number[];
  /** First layer of a suffix graph that will go on from here. */
  readonly suffixFrom?: number;
}

/** Makes a graph's weights: constants of the version, inputs for the editable layers. */
export function weightTensors(
  source: WeightSource,
  editable: readonly number[],
  constantOf: (name: string, dims: readonly number[]) => Tensor,
): { readonly weight: (name: string) => Tensor; readonly inputs: ReadonlyMap<number, Tensor> } {
  const made = new Map<string, Tensor>();
  const inputs = new Map<number, Tensor>();
  for (const layer of editable) {
    const matrix = valueMatrix(source.spec, layer);
    const tensor = input(`w_out_${layer}`, 'float32', matrixShape(matrix));
    made.set(matrix.weight, tensor);
    inputs.set(layer, tensor);
  }
  const weight = (name: string): Tensor => {
    const known = made.get(name);
    if (known) return known;
    const tensor = constantOf(name, source.spec.parameters.get(name)!);
    made.set(name, tensor);
    return tensor;
  };
  return { weight, inputs };
}

/** A weight of the version as a graph constant. */
export const constantOf =
  (source: WeightSource) =>
  (name: string, dims: readonly number[]): Tensor =>
    constant('float32', dims, source.weight(name), name);

/** The feeds of editable matrices: those given, else the version's own. */
export function matrixFeeds(
  source: WeightSource,
  inputs: ReadonlyMap<number, Tensor>,
  matrices: ValueMatrices = new Map(),
): Record<string, HostTensor> {
  const feeds: Record<string, HostTensor> = {};
  for (const [layer, { name }] of inputs) {
    const matrix = valueMatrix(source.spec, layer);
    feeds[name] = float32(matrixShape(matrix), matrices.get(layer) ?? source.weight(matrix.weight));
  }
  return feeds;
}

/** Sequences side by side: right-padded ids with their positions. Causality keeps padding from mattering. */
export function packSequences(sequences: readonly { readonly ids: readonly number[] }[]) {
  const batch = sequences.length;
  const time = Math.max(...sequences.map(({ ids }) => ids.length));
  const ids = new Int32Array(batch * time);
  for (const [b, sequence] of sequences.entries()) ids.set(sequence.ids, b * time);
  const positions = Int32Array.from({ length: batch * time }, (_, i) => i % time);
  return { batch, time, ids, positions, bias: causalBias(batch, time) };
}

/** Compiles a tracer of a version. Batch and length of the sequences are free. */
export async function createTracer(source: WeightSource, plan: TracerPlan): Promise<Tracer> {
  const { spec } = source;
  const { recorded, editable, suffixFrom } = plan;
  const deepest = Math.max(...recorded, ...(suffixFrom === undefined ? [] : [suffixFrom - 1]));
  const to = suffixFrom === undefined ? deepest + 1 : spec.layers;
  const { weight, inputs } = weightTensors(
    source,
    editable.filter((layer) => layer < to),
    constantOf(source),
  );
  const tokens = mulDims('B', 'T');
  const rows = input('rows', 'int32', ['N']);
  const outputs: Record<string, Tensor> = {};
  const graph = buildDecoder(spec, {
    batch: 'B',
    time: 'T',
    start: { kind: 'ids', ids: input('ids', 'int32', [tokens]) },
    positions: input('positions', 'int32', [tokens]),
    bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
    weight,
    to,
    tap: (site, layer, x) => {
      if (recorded.includes(layer) && (site === 'mlp_key' || site === 'mlp_out' || site === 'block_out'))
        outputs[`${site}_${layer}`] = gather(x, rows);
      if (site === 'block_out' && layer + 1 === suffixFrom) outputs.hidden = x;
      return x;
    },
  });
  const cached = suffixFrom === undefined ? [] : graph.present.slice(suffixFrom);
  for (const [i, { key, value }] of cached.entries()) {
    outputs[`cache_key_${i}`] = key;
    outputs[`cache_value_${i}`] = value;
  }
  const program: Program = await compile(outputs);

  const trace: Tracer['trace'] = async (sequences, matrices) => {
    const { batch, time, ids, positions, bias } = packSequences(sequences);
    const at = Int32Array.from(sequences, ({ subjectLast }, b) => b * time + subjectLast);
    const feeds: Record<string, HostTensor> = {
      ids: int32([batch * time], ids),
      positions: int32([batch * time], positions),
      bias: float32([batch, 1, time, time], bias),
      rows: int32([batch], at),
      ...matrixFeeds(source, inputs, matrices),
    };
    const out = await runPruned(program, feeds);
    const read = (name: string) => float32Data(out[name]!);
    const layers = new Map<number, LayerRecord>();
    for (const layer of recorded) {
      layers.set(layer, {
        keys: read(`mlp_key_${layer}`),
        mlpOut: read(`mlp_out_${layer}`),
        blockOut: read(`block_out_${layer}`),
      });
    }
    return {
      time,
      layers,
      hidden: suffixFrom === undefined ? undefined : read('hidden'),
      caches: cached.map((_, i) => ({ key: read(`cache_key_${i}`), value: read(`cache_value_${i}`) })),
    };
  };
  return { trace, release: program.release };
}
