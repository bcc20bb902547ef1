// Neurons: MLP neurons beside those of a layer, which act on every token as these do.

import { createHash } from 'node:crypto';
import { add, constant, float32, gemm, input, joinedArrays, type Tensor } from '@errata/graph';
import { z } from 'zod';
import { activate } from '../architectures/blocks/layers.ts';
import { type Activation, activations } from '../architectures/blocks/refs.ts';
import type { Tap } from '../architectures/decoder-graph.ts';
import { type DeltaKind, type MemoryKind, malformed, misfit, parseMetadata, shapeOf } from './kind.ts';
import type { ActivationReading, Spoken } from './reading.ts';

/** Neurons of one layer, as an edit leaves them or as a version has them: the MLP puts out f(q K^T + b) V more. */
export interface NeuronsDelta {
  readonly kind: 'neurons';
  readonly layer: number;
  /** f. */
  readonly activation: Activation;
  /** Elements of the MLP's input q, and of its output. */
  readonly width: number;
  /** `[n, width]` */
  readonly keys: Float32Array;
  /** `[n]` */
  readonly biases: Float32Array;
  /** `[n, width]` */
  readonly values: Float32Array;
}

const entrySchema = z.strictObject({ layer: z.int().min(0), activation: z.enum(activations) });
const metadataSchema = z.strictObject({ layer: z.string().regex(/^\d+$/), activation: z.enum(activations) });

/** Neurons of a layer with one activation function are one memory. */
const neuronsPlace = ({ layer, activation }: Pick<NeuronsDelta, 'layer' | 'activation'>): string =>
  `${layer}.${activation}`;

/** What each neuron is called: a digest of its numbers. */
const addresses = ({ width, keys, biases, values }: NeuronsDelta): readonly string[] =>
  Array.from(biases, (bias, row) => {
    const part = (data: Float32Array) => data.subarray(row * width, (row + 1) * width);
    const numbers = joinedArrays([part(keys), Float32Array.of(bias), part(values)]);
    return createHash('sha256').update(new Uint8Array(numbers.buffer)).digest('hex');
  });

const feedName = (neurons: NeuronsDelta, part: string) => `neuron_${part}.${neuronsPlace(neurons)}`;

/** How neurons are read: at every token, whether of a prompt or behind it. */
export interface NeuronsReading extends ActivationReading {
  readonly tap: () => Tap;
}

export function neuronsReading(neurons: NeuronsDelta): NeuronsReading {
  const { layer, width, keys, biases, values } = neurons;
  const n = biases.length;
  return {
    at: 'activation',
    layer,
    everywhere: true,
    graph: `neurons.${neuronsPlace(neurons)}`,
    tap: () => neuronsTap(neurons, input),
    feeds: {
      [feedName(neurons, 'keys')]: float32([n, width], keys),
      [feedName(neurons, 'biases')]: float32([n], biases),
      [feedName(neurons, 'values')]: float32([n, width], values),
    },
    speaking: { key: { site: 'mlp_in', layer }, row: (query) => strongest(neurons, query) },
  };
}

/** Neurons whose numbers are part of the graph. */
export function constantNeurons(neurons: NeuronsDelta): Tap {
  const n = neurons.biases.length;
  const parts = { keys: [n, neurons.width], biases: [n], values: [n, neurons.width] } as const;
  const numbers = new Map(
    Object.entries(parts).map(([part, shape]) => {
      const name = feedName(neurons, part);
      return [name, constant('float32', shape, neurons[part as keyof typeof parts], name)];
    }),
  );
  return neuronsTap(neurons, (name) => numbers.get(name)!);
}

/** @param number makes the tensor of a feed */
function neuronsTap(neurons: NeuronsDelta, number: typeof input): Tap {
  const { layer, width, activation } = neurons;
  const n = `n_${neuronsPlace(neurons).replace('.', '_')}`;
  let query: Tensor | undefined;
  return (site, at, x) => {
    if (at !== layer) return x;
    if (site === 'mlp_in') query = x;
    if (site !== 'mlp_out') return x;
    const keys = number(feedName(neurons, 'keys'), 'float32', [n, width]);
    const bias = number(feedName(neurons, 'biases'), 'float32', [n]);
    const active = activate[activation](gemm(query!, keys, { transB: true, bias }));
    return add(x, gemm(active, number(feedName(neurons, 'values'), 'float32', [n, width])));
  };
}

/** The neuron that a query excites the most, where it excites any: what goes into its activation function. */
function strongest(neurons: NeuronsDelta, query: Float32Array): Spoken | null {
  const { width, keys, biases } = neurons;
  let best = { row: -1, score: 0 };
  for (const [row, bias] of biases.entries()) {
    let score = bias;
    for (let i = 0; i < width; i++) score += keys[row * width + i]! * query[i]!;
    if (score > best.score) best = { row, score };
  }
  return best.row < 0 ? null : { row: addresses(neurons)[best.row]!, score: best.score, threshold: 0 };
}

const memory: MemoryKind<NeuronsDelta> = {
  name: 'neurons',
  title: ['extra neurons', 'sets of extra neurons'],
  hash: (neurons, update) => {
    update(`neurons ${neuronsPlace(neurons)}\0`);
    for (const data of [neurons.keys, neurons.biases, neurons.values]) update(data);
  },
  rows: addresses,
  snapshot: {
    field: 'neurons',
    encode: (neurons) => {
      const { layer, activation, width, keys, biases, values } = neurons;
      const n = biases.length;
      const part = (name: string) => `${neuronsPlace(neurons)}.${name}`;
      return {
        entry: { layer, activation },
        tensors: {
          [part('keys')]: { shape: [n, width], data: keys },
          [part('biases')]: { shape: [n], data: biases },
          [part('values')]: { shape: [n, width], data: values },
        },
      };
    },
    decode: (entry, read) => {
      const place = entrySchema.parse(entry);
      const part = (name: string) => read(`${neuronsPlace(place)}.${name}`);
      const { shape, data: keys } = part('keys');
      const [biases, values] = [part('biases').data, part('values').data];
      return { kind: 'neurons', ...place, width: shape[1] ?? 0, keys, biases, values };
    },
  },
  answers: true,
  reading: neuronsReading,
};

export const neurons: DeltaKind<NeuronsDelta, NeuronsDelta> = {
  memory,
  encode: ({ layer, activation, width, keys, biases, values }) => ({
    metadata: { layer: `${layer}`, activation },
    tensors: {
      keys: { shape: [biases.length, width], data: keys },
      biases: { shape: [biases.length], data: biases },
      values: { shape: [biases.length, width], data: values },
    },
  }),
  decode: (file, metadata) => {
    const { layer, activation } = parseMetadata(metadataSchema, metadata, file.where);
    const [keys, biases, values] = [file.read('keys'), file.read('biases'), file.read('values')];
    return {
      kind: 'neurons',
      layer: Number(layer),
      activation,
      width: shapeOf(file, 'keys', 2)[1]!,
      keys,
      biases,
      values,
    };
  },
  checkSizes: (delta) => {
    const { width, keys, biases, values } = delta;
    const n = biases.length;
    if (n === 0 || !(width > 0) || keys.length !== n * width || values.length !== n * width)
      malformed(neuronsPlace(delta), 'keys, biases and values are not of as many neurons, or of none');
  },
  checkFit: (spec, delta) => {
    const { layer, width } = delta;
    if (layer >= spec.layers) misfit(neuronsPlace(delta), `the model has ${spec.layers} layers`);
    if (width !== spec.width)
      misfit(neuronsPlace(delta), `they are made for MLPs of width ${width}, not ${spec.width}`);
  },
  effect: (delta) => ({
    on: 'memory',
    place: neuronsPlace(delta),
    change: (before) =>
      before === undefined
        ? delta
        : {
            ...delta,
            keys: joinedArrays([before.keys, delta.keys]),
            biases: joinedArrays([before.biases, delta.biases]),
            values: joinedArrays([before.values, delta.values]),
          },
  }),
};
