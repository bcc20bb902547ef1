// Training: loss and gradients of every weight of a decoder in one run of one program.

import {
  compile,
  float32,
  float32Data,
  gradients,
  type HostTensor,
  input,
  int32,
  type Program,
  type Tensor,
} from '@errata/graph';
import { buildDecoder } from '../architectures/decoder.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { embedRows, scatterAdd } from './embedding-rows.ts';
import { causalBias } from './masks.ts';

/** One batch: B sequences of T tokens, and the predictions that count. */
export interface TrainingBatch {
  /** `[B*T]`, row-major by sequence. */
  readonly ids: Int32Array;
  /** Rows of the B*T whose next token is predicted. */
  readonly rows: Int32Array;
  /** Token each row is to predict. */
  readonly targets: Int32Array;
  /** Weight of each row in the loss; divide by their sum for a mean. */
  readonly rowWeights: Float32Array;
  /** `[B*T]`; default 0..T-1 in every sequence. */
  readonly positions?: Int32Array;
  /** `[B, 1, T, T]`; default causal. Give one to keep documents packed into one sequence apart. */
  readonly bias?: Float32Array;
  /** The same for the first layers, where the program was compiled with some; default `bias`. */
  readonly earlyBias?: Float32Array;
}

/** What a training graph is compiled for. */
export interface TrainingShape {
  readonly batch: number;
  readonly time: number;
  /** The first so many layers take an attention bias of their own; default none. */
  readonly earlyLayers?: number;
}

/** What a step returns. Arrays are new in every step. */
export interface TrainingStep {
  /** Σ over rows of weight · -log p(target), in nats. */
  readonly loss: number;
  /** log p(target) of each row, in nats. */
  readonly logProbs: Float32Array;
  /** Gradient of the loss with respect to every parameter of the spec, shaped as the parameter. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** A compiled training graph of fixed batch and time. */
export interface TrainingProgram {
  /** @throws GraphError bad_feed where an array has another size than the spec and the batch say */
  readonly step: (weights: ReadonlyMap<string, Float32Array>, batch: TrainingBatch) => Promise<TrainingStep>;
  readonly release: () => Promise<void>;
}

/**
 * Compiles the loss of B sequences of T tokens and the gradients of all parameters. Embedding rows are looked up and their
 * gradients scattered here: as an input and an output of B*T rows they cost less than a scatter in the graph.
 */
export async function trainingProgram(
  spec: DecoderSpec,
  { batch, time, earlyLayers = 0 }: TrainingShape,
): Promise<TrainingProgram> {
  if (time > spec.context) throw new RangeError(`${time} tokens exceed the context of ${spec.context}`);
  const { width, embeddingScale = 1 } = spec;
  const tables = [spec.tokenEmbedding, ...(spec.positions.kind === 'learned' ? [spec.positions.table] : [])];
  const weights = new Map<string, Tensor>();
  for (const [name, dims] of spec.parameters) {
    if (!tables.includes(name) || name === spec.head.weight) weights.set(name, input(name, 'float32', dims));
  }
  const tokens = batch * time;
  const embedded = input('embedded', 'float32', [tokens, width]);
  const bias = input('bias', 'float32', [batch, 1, time, time]);
  const earlyBias = input('early_bias', 'float32', [batch, 1, time, time]);
  const { crossEntropy } = buildDecoder(spec, {
    batch,
    time,
    start: { kind: 'embedded', embedded },
    positions: input('positions', 'int32', [tokens]),
    bias: (layer) => (layer < earlyLayers ? earlyBias : bias),
    rows: input('rows', 'int32', ['R']),
    weight: (name) => weights.get(name)!,
  });
  const { loss, logProbs } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
  const names = [...weights.keys()];
  const slopes = gradients(loss, [embedded, ...weights.values()]);
  const outputs: Record<string, Tensor> = { loss, log_probs: logProbs, d_embedded: slopes[0]! };
  for (const [i, name] of names.entries()) outputs[`d ${name}`] = slopes[i + 1]!;
  const program: Program = await compile(outputs);
  const inputNames = new Set(program.inputs.map((x) => x.name));
  const usualPositions = Int32Array.from({ length: tokens }, (_, i) => i % time);
  const usualBias = causalBias(batch, time);

  const step: TrainingProgram['step'] = async (values, { ids, rows, targets, rowWeights, positions, ...biases }) => {
    const late = biases.bias ?? usualBias;
    const at = positions ?? usualPositions;
    const table = (name: string) => values.get(name)!;
    const embeddings = {
      tokens: table(spec.tokenEmbedding),
      scale: embeddingScale,
      positions: spec.positions.kind === 'learned' ? table(spec.positions.table) : undefined,
    };
    const feeds: Record<string, HostTensor> = {
      embedded: float32([tokens, width], embedRows(width, embeddings, ids, at)),
      rows: int32([rows.length], rows),
      targets: int32([targets.length], targets),
      row_weights: float32([rowWeights.length], rowWeights),
    };
    const attention = { bias: late, early_bias: biases.earlyBias ?? late };
    for (const [name, data] of Object.entries(attention)) {
      if (inputNames.has(name)) feeds[name] = float32([batch, 1, time, time], data);
    }
    if (inputNames.has('positions')) feeds.positions = int32([tokens], at);
    for (const [name, { dims }] of weights) feeds[name] = float32(dims as readonly number[], table(name));
    const out = await program.run(feeds);
    const dEmbedded = float32Data(out.d_embedded!);
    const all = new Map<string, Float32Array>();
    for (const [name, dims] of spec.parameters) {
      const slope = out[`d ${name}`];
      all.set(name, slope ? float32Data(slope) : new Float32Array(dims.reduce((a, b) => a * b, 1)));
    }
    scatterAdd(all.get(spec.tokenEmbedding)!, ids, dEmbedded, width, embeddingScale);
    if (spec.positions.kind === 'learned') scatterAdd(all.get(spec.positions.table)!, at, dEmbedded, width);
    return { loss: float32Data(out.loss!)[0]!, logProbs: float32Data(out.log_probs!), gradients: all };
  };
  return { step, release: program.release };
}
