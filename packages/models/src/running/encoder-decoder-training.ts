// Training of encoder-decoders: loss and gradients of every weight in one run, several examples side by side in a row.

import { compile, float32, float32Data, gradients, type HostTensor, input, int32, type Tensor } from '@errata/graph';
import { relativeBuckets } from '../architectures/blocks/positions.ts';
import { buildEncoder } from '../architectures/encoder.ts';
import { buildCrossDecoder, offered } from '../architectures/encoder-decoder.ts';
import type { EncoderDecoderSpec } from '../architectures/encoder-decoder-spec.ts';
import { embedRows, scatterAdd } from './embedding-rows.ts';
import type { TrainingBatch, TrainingStep } from './training.ts';

/** One batch: B rows of S tokens that are read and T that are said. Who attends to whom is the caller's to say. */
export interface EncoderDecoderBatch extends Pick<TrainingBatch, 'rows' | 'targets' | 'rowWeights'> {
  /** `[B*S]`, what the encoder reads. */
  readonly inputIds: Int32Array;
  /** `[B, 1, S, S]`, added to the scores of the encoder: 0 to attend, -1e9 not to. */
  readonly inputBias: Float32Array;
  /** `[B*T]`, what the decoder has said; `rows` are of these. */
  readonly ids: Int32Array;
  /** `[B, 1, T, T]` */
  readonly bias: Float32Array;
  /** `[B, 1, T, S]`, of what the decoder says to what the encoder reads. */
  readonly crossBias: Float32Array;
}

/** What a training graph is compiled for. */
export interface EncoderDecoderShape {
  readonly batch: number;
  /** S */
  readonly inputTime: number;
  /** T */
  readonly time: number;
}

/** A compiled training graph. */
export interface EncoderDecoderTraining {
  /** @throws GraphError bad_feed where an array has another size than the spec and the shape say */
  readonly step: (weights: ReadonlyMap<string, Float32Array>, batch: EncoderDecoderBatch) => Promise<TrainingStep>;
  readonly release: () => Promise<void>;
}

/** Place of each token in its row. */
const placesOf = (batch: number, time: number) => Int32Array.from({ length: batch * time }, (_, at) => at % time);

/** What the encoder's positions are: distances in a row, or rows of its table. */
function inputPositions({ encoder }: EncoderDecoderSpec, batch: number, time: number): Int32Array {
  const { positions } = encoder;
  const places = Array.from({ length: time }, (_, t) => t);
  if (positions.kind === 'relative') return relativeBuckets(positions, places, places, true);
  return placesOf(batch, time).map((place) => positions.first + place);
}

/**
 * Compiles the loss of B rows and the gradients of all parameters but what is added to the logits, which is no parameter to
 * train in any family. Rows of the token embedding are looked up and their gradients scattered here, as {@link trainingProgram}
 * has it.
 */
export async function encoderDecoderTraining(
  spec: EncoderDecoderSpec,
  { batch, inputTime, time }: EncoderDecoderShape,
): Promise<EncoderDecoderTraining> {
  const { encoder, decoder, head } = spec;
  const { width } = decoder;
  const tables = new Set([encoder.tokenEmbedding, decoder.tokenEmbedding]);
  const inputs = new Map<string, Tensor>();
  for (const [name, dims] of spec.parameters)
    if (!tables.has(name) || name === head.weight) inputs.set(name, input(name, 'float32', dims));
  const weight = (name: string) => inputs.get(name)!;
  const said = input('said', 'float32', [batch * time, width]);
  const read = input('read', 'float32', [batch * inputTime, width]);
  const places = { input_positions: inputPositions(spec, batch, inputTime), positions: placesOf(batch, time) };
  const reading = { batch, time: inputTime, weight };
  const states = buildEncoder(encoder, {
    ...reading,
    start: { kind: 'embedded', embedded: read },
    positions: input('input_positions', 'int32', [places.input_positions.length]),
    bias: input('input_bias', 'float32', [batch, 1, inputTime, inputTime]),
  });
  const { crossEntropy } = buildCrossDecoder(spec, {
    batch,
    time,
    weight,
    start: { kind: 'embedded', embedded: said },
    positions: input('positions', 'int32', [places.positions.length]),
    bias: input('bias', 'float32', [batch, 1, time, time]),
    read: {
      cross: offered(spec, states, reading),
      bias: input('cross_bias', 'float32', [batch, 1, time, inputTime]),
    },
    rows: input('rows', 'int32', ['R']),
  });
  const { loss, logProbs } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
  const learned = [...inputs.keys()].filter((name) => name !== spec.logitsBias);
  const slopes = gradients(loss, [read, said, ...learned.map(weight)]);
  const outputs: Record<string, Tensor> = { loss, log_probs: logProbs, d_read: slopes[0]!, d_said: slopes[1]! };
  for (const [i, name] of learned.entries()) outputs[`d ${name}`] = slopes[i + 2]!;
  const program = await compile(outputs);
  const taken = new Set(program.inputs.map(({ name }) => name));

  const step: EncoderDecoderTraining['step'] = async (values, given) => {
    const rowsOf = ({ tokenEmbedding, embeddingScale = 1 }: typeof encoder | typeof decoder, ids: Int32Array) =>
      embedRows(width, { tokens: values.get(tokenEmbedding)!, scale: embeddingScale, positions: undefined }, ids, ids);
    const feeds: Record<string, HostTensor> = {
      read: float32([batch * inputTime, width], rowsOf(encoder, given.inputIds)),
      said: float32([batch * time, width], rowsOf(decoder, given.ids)),
      input_bias: float32([batch, 1, inputTime, inputTime], given.inputBias),
      bias: float32([batch, 1, time, time], given.bias),
      cross_bias: float32([batch, 1, time, inputTime], given.crossBias),
      rows: int32([given.rows.length], given.rows),
      targets: int32([given.targets.length], given.targets),
      row_weights: float32([given.rowWeights.length], given.rowWeights),
    };
    for (const [name, data] of Object.entries(places)) if (taken.has(name)) feeds[name] = int32([data.length], data);
    for (const [name, { dims }] of inputs)
      if (taken.has(name)) feeds[name] = float32(dims as readonly number[], values.get(name)!);
    const out = await program.run(feeds);
    const all = new Map<string, Float32Array>();
    for (const [name, dims] of spec.parameters) {
      if (name === spec.logitsBias) continue;
      const slope = out[`d ${name}`];
      all.set(name, slope ? float32Data(slope) : new Float32Array(dims.reduce((a, b) => a * b, 1)));
    }
    for (const [side, ids, slope] of [
      [encoder, given.inputIds, out.d_read!],
      [decoder, given.ids, out.d_said!],
    ] as const)
      scatterAdd(all.get(side.tokenEmbedding)!, ids, float32Data(slope), width, side.embeddingScale);
    return { loss: float32Data(out.loss!)[0]!, logProbs: float32Data(out.log_probs!), gradients: all };
  };
  return { step, release: program.release };
}
