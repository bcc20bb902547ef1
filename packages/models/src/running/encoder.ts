// Encoders: texts to vectors, and hidden states with gradients for whoever trains on top of them.

import { float32, float32Data, type HostTensors, input, type Tensor } from '@errata/graph';
import { pool, poolingWeights, unitRows } from '../architectures/blocks/pooling.ts';
import { buildEncoder } from '../architectures/encoder.ts';
import type { EncoderSpec } from '../architectures/encoder-spec.ts';
import { encoderSpec } from '../architectures/index.ts';
import { ModelError } from '../errors.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import { type EmbeddingSettings, readEmbeddingSettings } from '../files/embedding-settings.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { checkSequences, packBatches } from './batches.ts';
import { type EncoderInput, encoderFeeds, encoderInputs } from './encoder-feeds.ts';
import type { ViewProgram, WeightSource } from './program-cache.ts';
import { keepWeights, type ModelOptions, readWeights } from './weights.ts';

/** A loaded encoder. */
export interface Encoder {
  readonly spec: EncoderSpec;
  /** Numbers in a vector. */
  readonly width: number;
  /** Digest of the checkpoint; undefined for weights that came from memory. */
  readonly digest: string | undefined;
  readonly tokenizer: Tokenizer | undefined;
  /** What {@link Encoder.embed} does unless told otherwise: as the checkpoint says, else the mean of all tokens as it is. */
  readonly settings: EmbeddingSettings;
  /** A parameter, laid out as in the checkpoint. Not to be changed. */
  readonly weight: (name: string) => Float32Array;
  /** Bytes of the weights in memory. */
  readonly weightBytes: number;
  /** A vector for each text, `[texts, width]`. @throws ModelError tokenizer_missing */
  readonly embed: (texts: readonly string[], settings?: Partial<EmbeddingSettings>) => Promise<Float32Array>;
  /** A vector for each input, `[inputs, width]`; nothing is cut off. @throws ModelError sequence_* */
  readonly embedTokens: (
    inputs: readonly EncoderInput[],
    settings?: Partial<Omit<EmbeddingSettings, 'longest'>>,
  ) => Promise<Float32Array>;
  /**
   * Hidden states after so many layers, 0 being what goes into the first.
   * @returns by number of layers, `[tokens, width]` in the order of the inputs and their tokens
   * @throws ModelError sequence_*
   */
  readonly hiddenStates: (
    inputs: readonly EncoderInput[],
    layers: readonly number[],
  ) => Promise<ReadonlyMap<number, Float32Array>>;
  /**
   * A program of the caller's own, compiled once and kept, for graphs with gradients. {@link encoderInputs} and
   * {@link encoderFeeds} are for it.
   * @param key determines the graph, together with `inputs`
   * @param build makes the outputs; weights come from the argument
   * @param inputs weights that are to be inputs, such as those with respect to which there are gradients; fed by this encoder
   */
  readonly program: (
    key: string,
    build: (weight: WeightSource) => Readonly<Record<string, Tensor>>,
    inputs?: readonly string[],
  ) => Promise<ViewProgram>;
  /** Frees all sessions. */
  readonly release: () => Promise<void>;
}

/** What an encoder over weights in memory may be told of itself. */
export interface EncoderIdentity {
  readonly digest?: string;
  readonly tokenizer?: Tokenizer | undefined;
  readonly settings?: Partial<EmbeddingSettings>;
}

/** Positions in one run. */
const tokenBudget = 4096;

/**
 * An encoder over weights in memory.
 * @param weights every parameter of the spec; not copied
 * @throws ModelError architecture_tensor_missing
 */
export function encoderFromWeights(
  spec: EncoderSpec,
  weights: ReadonlyMap<string, Float32Array>,
  { digest, tokenizer, settings: asked = {} }: EncoderIdentity = {},
  options: ModelOptions = {},
): Encoder {
  const { weight, weightBytes, programs } = keepWeights(spec, weights, options);
  const { width } = spec;
  const settings: EmbeddingSettings = {
    pooling: asked.pooling ?? 'mean',
    normalise: asked.normalise ?? false,
    longest: Math.min(asked.longest ?? spec.context, spec.context),
  };

  /** Runs a program batch by batch. @param take sees a batch's outputs, and which inputs are its rows */
  const runBatches = async (
    inputs: readonly EncoderInput[],
    program: ViewProgram,
    feedsOf: (lengths: readonly number[], time: number) => HostTensors,
    take: (out: HostTensors, members: readonly number[], time: number) => void,
  ) => {
    for (const { members, time } of packBatches(
      inputs.map(({ ids }) => ids),
      tokenBudget,
    )) {
      const batch = members.map((member) => inputs[member]!);
      const lengths = batch.map(({ ids }) => ids.length);
      const feeds: HostTensors = { ...encoderFeeds(spec, batch), ...feedsOf(lengths, time) };
      const fed = Object.fromEntries(Object.entries(feeds).filter(([name]) => program.takes(name)));
      take(await program.run(fed), members, time);
    }
  };

  const program: Encoder['program'] = async (key, build, inputs = []) => {
    const bound = await programs.get(key, new Set(inputs), build);
    return { takes: bound.takes, run: (feeds) => bound.run(feeds, weight) };
  };

  const check = (inputs: readonly EncoderInput[]) => {
    checkSequences(
      spec,
      inputs.map(({ ids }) => ids),
    );
    if (!spec.tokenTypes) return;
    const { count } = spec.tokenTypes;
    for (const [index, { ids, types }] of inputs.entries())
      if (types && (types.length !== ids.length || types.some((type) => !(type >= 0 && type < count))))
        throw new RangeError(`input ${index}: token types are 0 to ${count - 1}, one a token`);
  };

  const embedTokens: Encoder['embedTokens'] = async (inputs, wanted = {}) => {
    check(inputs);
    const { pooling, normalise } = { ...settings, ...wanted };
    const vectors = new Float32Array(inputs.length * width);
    const embedding = await program(`embed ${normalise ? 'unit' : 'plain'}`, (source) => {
      const shared = encoderInputs(spec);
      const pooled = pool(
        buildEncoder(spec, { ...shared, weight: source }),
        input('pooling', 'float32', ['B', 1, 'S']),
        shared.batch,
        shared.time,
      );
      return { vectors: normalise ? unitRows(pooled) : pooled };
    });
    await runBatches(
      inputs,
      embedding,
      (lengths, time) => ({ pooling: float32([lengths.length, 1, time], poolingWeights(pooling, lengths, time)) }),
      (out, members) => {
        const rows = float32Data(out.vectors!);
        for (const [row, member] of members.entries())
          vectors.set(rows.subarray(row * width, (row + 1) * width), member * width);
      },
    );
    return vectors;
  };

  const hiddenStates: Encoder['hiddenStates'] = async (inputs, layers) => {
    check(inputs);
    const offsets = [0];
    for (const { ids } of inputs) offsets.push(offsets.at(-1)! + ids.length);
    const states = new Map(layers.map((layer) => [layer, new Float32Array(offsets.at(-1)! * width)]));
    if (layers.length === 0) return states;
    const deepest = Math.max(...layers);
    const capture = await program(`hidden ${[...layers].sort().join(' ')}`, (source) => {
      const outputs: Record<string, Tensor> = {};
      const keep = (layer: number, x: Tensor) => {
        if (states.has(layer)) outputs[layer] = x;
        return x;
      };
      const last = buildEncoder(spec, {
        ...encoderInputs(spec),
        weight: source,
        to: deepest,
        tap: (site, layer, x) => (site === 'embed' ? keep(0, x) : site === 'block_out' ? keep(layer + 1, x) : x),
      });
      keep(deepest, last);
      return outputs;
    });
    await runBatches(
      inputs,
      capture,
      () => ({}),
      (out, members, time) => {
        for (const [layer, state] of states) {
          const rows = float32Data(out[layer]!);
          for (const [row, member] of members.entries()) {
            const length = inputs[member]!.ids.length;
            state.set(rows.subarray(row * time * width, (row * time + length) * width), offsets[member]! * width);
          }
        }
      },
    );
    return states;
  };

  const embed: Encoder['embed'] = async (texts, wanted = {}) => {
    if (!tokenizer)
      throw new ModelError('tokenizer_missing', {
        where: 'the encoder',
        what: 'it has no tokenizer, so it reads no texts',
        hint: 'Copy the tokenizer.json or vocab.txt of the encoder beside its weights',
      });
    const longest = Math.min(wanted.longest ?? settings.longest, spec.context);
    const around = tokenizer.prefixIds.length + tokenizer.suffixIds.length;
    if (!(Number.isInteger(longest) && longest > around))
      throw new RangeError(`longest must be a whole number above ${around}, what the tokenizer puts around a text`);
    return embedTokens(
      texts.map((text) => ({
        ids: [...tokenizer.prefixIds, ...tokenizer.encode(text).slice(0, longest - around), ...tokenizer.suffixIds],
      })),
      wanted,
    );
  };

  return {
    spec,
    width,
    digest,
    tokenizer,
    settings,
    weight,
    weightBytes,
    embed,
    embedTokens,
    hiddenStates,
    program: (key, build, inputs) => program(`own ${key}`, build, inputs),
    release: programs.release,
  };
}

/**
 * Loads an encoder's weights into memory as float32. The checkpoint may be closed afterwards.
 * @throws ModelError architecture_*, safetensors_*, tokenizer_unsupported
 */
export function openEncoder(checkpoint: Checkpoint, options: ModelOptions = {}): Encoder {
  const { tensors, config, digest, directory, tokenizer } = checkpoint;
  const spec = encoderSpec(config, tensors.names);
  if (tokenizer && tokenizer.prefixIds.length === 0)
    throw new ModelError('tokenizer_unsupported', {
      where: directory,
      what: 'the tokenizer puts no token in front of a text, as those of encoders do',
      hint: 'Save the tokenizer.json of this encoder beside its weights (save_pretrained of transformers)',
    });
  return encoderFromWeights(
    spec,
    readWeights(spec, tensors),
    { digest, tokenizer, settings: readEmbeddingSettings(directory) },
    options,
  );
}
