// Encoder-decoders: what is said to an input, scored and generated, with caches of both attentions.

import {
  argMax,
  float32Data,
  gather,
  gatherElements,
  type HostTensor,
  type HostTensors,
  input,
  int32Data,
  logSoftmax,
  reshape,
  type Tensor,
} from '@errata/graph';
import { relativeBuckets } from '../architectures/blocks/positions.ts';
import { buildEncoder } from '../architectures/encoder.ts';
import { buildCrossDecoder, offered } from '../architectures/encoder-decoder.ts';
import type { EncoderDecoderSpec } from '../architectures/encoder-decoder-spec.ts';
import { encoderDecoderSpec } from '../architectures/index.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { checkSequences, layOutBatch, packBatches } from './batches.ts';
import { encoderFeeds, encoderInputs } from './encoder-feeds.ts';
import { indices } from './feeds.ts';
import type { Runner } from './forward.ts';
import { beginContinuation, type GenerateOptions, requireLength } from './generate.ts';
import type { ViewProgram, WeightSource } from './program-cache.ts';
import { freshFeeds, type Score } from './score.ts';
import { idsWithoutToken, withoutIds } from './undrawable.ts';
import { keepWeights, type ModelOptions, readWeights } from './weights.ts';
import { writeOutputs } from './write-outputs.ts';
import type { Generated } from './writing.ts';

/** An input and what is to be said to it. */
export interface OutputItem {
  /** With all that the tokenizer puts around a text. */
  readonly input: readonly number[];
  /** At least one token; what every output begins after is no part of it. */
  readonly target: readonly number[];
}

/** A loaded encoder-decoder. */
export interface EncoderDecoder {
  readonly spec: EncoderDecoderSpec;
  /** Digest of the checkpoint; undefined for weights that came from memory. */
  readonly digest: string | undefined;
  readonly tokenizer: Tokenizer | undefined;
  /** A parameter, laid out as in the checkpoint. Not to be changed. */
  readonly weight: (name: string) => Float32Array;
  /** Bytes of the weights in memory. */
  readonly weightBytes: number;
  /** Log-probabilities of outputs, each token after those before it. @throws ModelError sequence_* */
  readonly score: (items: readonly OutputItem[]) => Promise<readonly Score[]>;
  /** Logits of each token of an output in its place, `[target, vocab]`, item by item. @throws ModelError sequence_* */
  readonly logits: (items: readonly OutputItem[]) => Promise<readonly Float32Array[]>;
  /** Outputs. @throws ModelError sequence_* */
  readonly generate: (
    inputs: readonly (readonly number[])[],
    options: GenerateOptions,
  ) => Promise<readonly Generated[]>;
  /** A program of the caller's own, compiled once and kept: see {@link Encoder.program}. */
  readonly program: (
    key: string,
    build: (weight: WeightSource) => Readonly<Record<string, Tensor>>,
    inputs?: readonly string[],
  ) => Promise<ViewProgram>;
  /** Frees all sessions. */
  readonly release: () => Promise<void>;
}

/** Positions of inputs and outputs in one run. */
const tokenBudget = 2048;

/** Keys and values of the encoder's tokens, each layer's, in the order of the decoder's layers. */
const crossNames = (spec: EncoderDecoderSpec) =>
  spec.decoder.blocks.map((_, layer) => ({ key: `cross_key.${layer}`, value: `cross_value.${layer}` }));

/** Reads inputs: keys and values that the decoder's layers attend to. */
function readingGraph(spec: EncoderDecoderSpec, weight: WeightSource): Record<string, Tensor> {
  const shared = { ...encoderInputs(spec.encoder), weight };
  const each = offered(spec, buildEncoder(spec.encoder, shared), shared);
  return Object.fromEntries(
    crossNames(spec).flatMap(({ key, value }, layer) => [
      [key, each[layer]!.key],
      [value, each[layer]!.value],
    ]),
  );
}

/** Inputs of a graph over the decoder, of symbolic batch B, time T and cached positions P: options but for what it reads. */
export function crossDecoderInputs({ decoder }: EncoderDecoderSpec) {
  const { heads, headDim } = decoder;
  return {
    batch: 'B',
    time: 'T',
    start: { kind: 'ids', ids: input('ids', 'int32', ['B*T']) },
    positions: input('positions', 'int32', [decoder.positions.kind === 'relative' ? 'P*T+T*T' : 'B*T']),
    bias: input('bias', 'float32', ['B', 1, 'T', 'P+T']),
    past: decoder.blocks.map((_, layer) => ({
      key: input(`past_key.${layer}`, 'float32', ['B', heads, 'P', headDim]),
      value: input(`past_value.${layer}`, 'float32', ['B', heads, 'P', headDim]),
    })),
    rows: input('rows', 'int32', ['R']),
  } as const;
}

/** Says what the forward graph of a decoder alone says ({@link forwardGraph}), of an input that has been read. */
function sayingGraph(
  spec: EncoderDecoderSpec,
  weight: WeightSource,
  undrawable: readonly number[],
): Record<string, Tensor> {
  const { heads, headDim } = spec.decoder;
  const read = (name: string) => input(name, 'float32', ['B', heads, 'S', headDim]);
  const { logits, present } = buildCrossDecoder(spec, {
    ...crossDecoderInputs(spec),
    cross: crossNames(spec).map(({ key, value }) => ({ key: read(key), value: read(value) })),
    crossBias: input('input_bias', 'float32', ['B', 1, 1, 'S']),
    weight,
  });
  const all = logits();
  const targets = reshape(input('targets', 'int32', ['R']), ['R', 1]);
  const outputs: Record<string, Tensor> = {
    log_probs: reshape(gatherElements(logSoftmax(all), targets, 1), ['R']),
    best: argMax(withoutIds(all, undrawable, spec.decoder.vocab)),
    logits: gather(all, input('logit_rows', 'int32', ['L'])),
  };
  for (const [layer, { key, value }] of present.entries()) {
    outputs[`key.${layer}`] = key;
    outputs[`value.${layer}`] = value;
  }
  return outputs;
}

/**
 * Feeds that say where tokens of outputs are. All outputs of a run are equally long so far.
 * @param feeds with `positions` `[B*T]` and `bias` `[B, 1, T, P + T]`
 */
function placed({ decoder }: EncoderDecoderSpec, feeds: HostTensors): HostTensor {
  const [, , time, seen] = feeds.bias!.dims as readonly [number, number, number, number];
  const positions = int32Data(feeds.positions!);
  if (decoder.positions.kind === 'learned') {
    const { first } = decoder.positions;
    return indices(positions.map((position) => first + position));
  }
  const fresh = [...positions.subarray(0, time)];
  const cached = Array.from({ length: seen - time }, (_, position) => position);
  return indices(relativeBuckets(decoder.positions, fresh, [...cached, ...fresh], false));
}

/**
 * An encoder-decoder over weights in memory.
 * @param weights every parameter of the spec; not copied
 * @throws ModelError architecture_tensor_missing
 */
export function encoderDecoderFromWeights(
  spec: EncoderDecoderSpec,
  weights: ReadonlyMap<string, Float32Array>,
  identity: { readonly digest?: string; readonly tokenizer?: Tokenizer | undefined } = {},
  options: ModelOptions = {},
): EncoderDecoder {
  const { weight, weightBytes, programs } = keepWeights(spec, weights, options);
  const { encoder, decoder } = spec;
  const undrawable = idsWithoutToken(identity.tokenizer, decoder.vocab);

  const program: EncoderDecoder['program'] = async (key, build, inputs = []) => {
    const bound = await programs.get(key, new Set(inputs), build);
    return { takes: bound.takes, run: (feeds) => bound.run(feeds, weight) };
  };

  /** Reads inputs, and answers as a decoder does of which they are the past. */
  const forwardOver = async (inputs: readonly (readonly number[])[]): Promise<Runner> => {
    const feeds = encoderFeeds(
      encoder,
      inputs.map((ids) => ({ ids })),
    );
    const reading = await program('read', (source) => readingGraph(spec, source));
    const read = await reading.run(feeds);
    const saying = await program('say', (source) => sayingGraph(spec, source, undrawable));
    return {
      spec: decoder,
      undrawable,
      run: (given) => saying.run({ ...given, ...read, input_bias: feeds.input_bias!, positions: placed(spec, given) }),
    };
  };

  const checkInputs = (inputs: readonly (readonly number[])[]) => checkSequences(encoder, inputs);

  /** Runs outputs batch by batch. @param take sees a batch's outputs, a row each token of each target in order */
  const sayTargets = async (
    items: readonly OutputItem[],
    wanted: 'scores' | 'logits',
    take: (out: HostTensors, members: readonly number[]) => void,
  ) => {
    checkInputs(items.map(({ input: ids }) => ids));
    checkSequences(
      decoder,
      items.map(({ target }) => target),
    );
    const packed = packBatches(
      items.map(({ input: ids }) => ids),
      tokenBudget,
      (member) => items[member]!.target.length,
    );
    for (const { members } of packed) {
      const forward = await forwardOver(members.map((member) => items[member]!.input));
      const targets = members.map((member) => items[member]!.target);
      const said = targets.map((target) => [spec.firstToken, ...target.slice(0, -1)]);
      const batch = layOutBatch(
        said,
        said.map((_, row) => row),
      );
      const rows = said.flatMap((tokens, row) => tokens.map((_, t) => row * batch.time + t));
      const out = await forward.run(
        {
          ...freshFeeds(forward, batch),
          rows: indices(rows),
          targets: indices(targets.flat()),
          logit_rows: indices(wanted === 'logits' ? rows.map((_, row) => row) : []),
        },
        [],
      );
      take(out, members);
    }
  };

  const score: EncoderDecoder['score'] = async (items) => {
    const results = new Array<Score>(items.length);
    await sayTargets(items, 'scores', (out, members) => {
      const [logProbs, best] = [float32Data(out.log_probs!), int32Data(out.best!)];
      let at = 0;
      for (const member of members) {
        const end = at + items[member]!.target.length;
        results[member] = { logProbs: logProbs.slice(at, end), best: best.slice(at, end) };
        at = end;
      }
    });
    return results;
  };

  const logits: EncoderDecoder['logits'] = async (items) => {
    const results = new Array<Float32Array>(items.length);
    await sayTargets(items, 'logits', (out, members) => {
      const all = float32Data(out.logits!);
      let at = 0;
      for (const member of members) {
        const end = at + items[member]!.target.length * decoder.vocab;
        results[member] = all.slice(at, end);
        at = end;
      }
    });
    return results;
  };

  const generate: EncoderDecoder['generate'] = async (inputs, wanted) => {
    checkInputs(inputs);
    requireLength(wanted);
    const results = new Array<Generated>(inputs.length);
    for (const { members } of packBatches(inputs, tokenBudget, () => wanted.maxTokens)) {
      const writings = members.map((index) => beginContinuation(decoder, undrawable, { index, length: 1 }, wanted));
      const forward = await forwardOver(members.map((member) => inputs[member]!));
      await writeOutputs(forward, spec.firstToken, writings, wanted.signal);
      for (const [row, member] of members.entries()) results[member] = writings[row]!.result();
    }
    return results;
  };

  return {
    spec,
    digest: identity.digest,
    tokenizer: identity.tokenizer,
    weight,
    weightBytes,
    score,
    logits,
    generate,
    program: (key, build, inputs) => program(`own ${key}`, build, inputs),
    release: programs.release,
  };
}

/**
 * Loads the weights of an encoder-decoder into memory as float32. The checkpoint may be closed afterwards.
 * @throws ModelError architecture_*, safetensors_*
 */
export function openEncoderDecoder(checkpoint: Checkpoint, options: ModelOptions = {}): EncoderDecoder {
  const { tensors, config, digest, tokenizer } = checkpoint;
  const spec = encoderDecoderSpec(config, tensors.names);
  return encoderDecoderFromWeights(spec, readWeights(spec, tensors), { digest, tokenizer }, options);
}
