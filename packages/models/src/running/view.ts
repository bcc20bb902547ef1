// Views: one version of a model as editors and evaluations see it. Switching versions swaps arrays, never sessions.

import { createHash } from 'node:crypto';
import { float32, float32Data, type HostTensor, type HostTensors, type Tensor } from '@errata/graph';
import { sites } from '../architectures/decoder.ts';
import { decoderSpec } from '../architectures/index.ts';
import { type DecoderSpec, valueMatrix } from '../architectures/spec.ts';
import { type Delta, type Memory, memoryKindOf } from '../deltas/index.ts';
import { baseState, checkState, installDeltas, type VersionState } from '../deltas/state.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { checkSequences, packBatches, promptIn } from './batches.ts';
import {
  captureGraph,
  captureName,
  type Forward,
  forwardGraph,
  indices,
  promptFeeds,
  type SiteAt,
  takenBy,
} from './forward.ts';
import { type Generated, type GenerateOptions, generate } from './generate.ts';
import { causalBias } from './masks.ts';
import type { ProgramCache, WeightSource } from './program-cache.ts';
import { type Reply, type ReplyItem, type ReplyOptions, reply } from './reply.ts';
import { nextLogits, type Perplexity, perplexity, type Score, type ScoreItem, score } from './score.ts';
import { keepWeights, type ModelOptions, readWeights } from './weights.ts';

/** Which rows of each sequence {@link View.activations} returns. */
export type Wanted = 'last' | 'all' | readonly (readonly number[])[];

/** A program of the caller's own over a version's weights. */
export interface ViewProgram {
  /** @param feeds everything but weights, which the view feeds */
  readonly run: (feeds: HostTensors) => Promise<Readonly<Record<string, HostTensor>>>;
  /** Whether the graph takes an input of that name; pruned ones must not be fed. */
  readonly takes: (name: string) => boolean;
}

/** One version of a model: base weights plus deltas in order. Immutable. */
export interface View {
  readonly spec: DecoderSpec;
  readonly deltas: readonly Delta[];
  /** What it knows beside its weights, by kind and place. */
  readonly memories: ReadonlyMap<string, Memory>;
  /** A parameter as this version has it, laid out as in the checkpoint. Not to be changed: other views share it. */
  readonly weight: (name: string) => Float32Array;
  /** This version with further deltas. @throws ModelError delta_misfit, delta_malformed */
  readonly with: (deltas: readonly Delta[]) => View;
  /**
   * Activations at sites (memories act with each sequence as a prompt).
   * @param at token indices of each sequence, or `last` or `all`
   * @returns by `site.layer`, `[rows, n]` in the order of sequences and their indices
   * @throws ModelError sequence_*
   */
  readonly activations: (
    sequences: readonly (readonly number[])[],
    wanted: readonly SiteAt[],
    at: Wanted,
  ) => Promise<ReadonlyMap<string, Float32Array>>;
  /** Log-probabilities of continuations. @throws ModelError sequence_* */
  readonly score: (items: readonly ScoreItem[]) => Promise<readonly Score[]>;
  /**
   * Scores of each prompt's continuations and its greedy continuation: the same as {@link View.score} and
   * {@link View.generate} give, in one run a prompt wherever the continuations foretell what is generated.
   * @throws ModelError sequence_*
   */
  readonly reply: (items: readonly ReplyItem[], options?: ReplyOptions) => Promise<readonly Reply[]>;
  /** Logits `[vocab]` of the token after each prompt. @throws ModelError sequence_* */
  readonly nextLogits: (prompts: readonly (readonly number[])[]) => Promise<readonly Float32Array[]>;
  /** Continuations of prompts. @throws ModelError sequence_* */
  readonly generate: (
    prompts: readonly (readonly number[])[],
    options: GenerateOptions,
  ) => Promise<readonly Generated[]>;
  /** Perplexity of a text, in which no memory acts: it has no prompt. @throws ModelError sequence_* */
  readonly perplexity: (tokens: readonly number[]) => Promise<Perplexity>;
  /**
   * A program of the caller's own, compiled once a model and kept: value searches and other graphs with gradients.
   * @param key determines the graph, together with `inputs`
   * @param build makes the outputs; weights come from the argument
   * @param inputs further weights that are to be inputs; W_out of every layer and whatever this version changed always are
   */
  readonly program: (
    key: string,
    build: (weight: WeightSource) => Readonly<Record<string, Tensor>>,
    inputs?: readonly string[],
  ) => Promise<ViewProgram>;
  /** What this version has that the base has not, without the deltas that led to it. */
  readonly state: () => VersionState;
  /** sha256 (hex) over all parameters and memories: equal versions, equal bytes. */
  readonly weightsDigest: () => string;
}

/** A loaded model. */
export interface Model {
  readonly spec: DecoderSpec;
  /** Digest of the checkpoint; undefined for weights that came from memory. */
  readonly digest: string | undefined;
  readonly tokenizer: Tokenizer | undefined;
  /** The version with these deltas; none is the base. @throws ModelError delta_misfit, delta_malformed */
  readonly view: (deltas?: readonly Delta[]) => View;
  /**
   * The version of a state, bit for bit. It holds no deltas of its own, so that a long run of edits need not keep them all.
   * @throws ModelError delta_misfit
   */
  readonly restore: (state: VersionState) => View;
  /** Bytes of the base weights in memory. */
  readonly weightBytes: number;
  /** Frees all sessions. */
  readonly release: () => Promise<void>;
}

/** Positions in one run of {@link View.activations}. */
const tokenBudget = 2048;

function makeView(
  spec: DecoderSpec,
  base: (name: string) => Float32Array,
  programs: ProgramCache,
  deltas: readonly Delta[],
  installed: VersionState,
): View {
  const { weights, memories } = installed;
  const weight = (name: string) => weights.get(name) ?? base(name);
  const alwaysInputs = new Set([...spec.blocks.map((_, layer) => valueMatrix(spec, layer).weight), ...weights.keys()]);
  const readings = [...memories.values()].flatMap((memory) => memoryKindOf(memory).reading(memory) ?? []);
  const graphs = readings.map(({ graph }) => graph).join(' ');
  const readingFeeds: HostTensors = Object.assign({}, ...readings.map(({ feeds }) => feeds));

  const forward: Forward = {
    spec,
    run: async (feeds, prompts) => {
      // Where no prompt ends in a run no memory can act, and the plain program gives the same bits.
      if (prompts.length === 0 || readings.length === 0) {
        const plain = await programs.get('forward', alwaysInputs, (source) => forwardGraph(spec, source, []));
        return plain.run(feeds, weight);
      }
      const program = await programs.get(`forward ${graphs}`, alwaysInputs, (source) =>
        forwardGraph(spec, source, readings),
      );
      return program.run({ ...feeds, ...takenBy(program, { ...readingFeeds, ...promptFeeds(prompts) }) }, weight);
    },
  };

  const activations: View['activations'] = async (sequences, wanted, at) => {
    checkSequences(spec, sequences);
    for (const { site, layer } of wanted)
      if (!sites.includes(site) || !(layer >= 0 && layer < spec.layers))
        throw new RangeError(`no site ${site} ${layer}`);
    const picked = sequences.map((sequence, i) => pick(sequence.length, at, i));
    const offsets = [0];
    for (const rows of picked) offsets.push(offsets.at(-1)! + rows.length);
    const total = offsets.at(-1)!;
    const results = new Map<string, Float32Array>();
    if (wanted.length === 0 || total === 0) return results;
    const program = await programs.get(
      `capture ${wanted.map(captureName).join(' ')} ${graphs}`,
      alwaysInputs,
      (source) => captureGraph(spec, source, wanted, readings),
    );
    for (const batch of packBatches(sequences, tokenBudget)) {
      const rows = batch.members.flatMap((member, row) => picked[member]!.map((t) => row * batch.time + t));
      const prompts = batch.members.map((member, row) => promptIn(batch, row, sequences[member]!.length));
      const feeds: Record<string, HostTensor> = {
        ids: indices(batch.ids),
        positions: indices(batch.positions),
        bias: float32([batch.batch, 1, batch.time, batch.time], causalBias(batch.batch, batch.time)),
        rows: indices(rows),
        ...promptFeeds(prompts),
        ...readingFeeds,
      };
      const out = await program.run(takenBy(program, feeds), weight);
      for (const name of wanted.map(captureName)) {
        const data = float32Data(out[name]!);
        const n = rows.length === 0 ? 0 : data.length / rows.length;
        const target = results.get(name) ?? new Float32Array(total * n);
        results.set(name, target);
        let from = 0;
        for (const member of batch.members) {
          const length = picked[member]!.length * n;
          target.set(data.subarray(from, from + length), offsets[member]! * n);
          from += length;
        }
      }
    }
    return results;
  };

  return {
    spec,
    deltas,
    memories,
    weight,
    with: (more) => makeView(spec, base, programs, [...deltas, ...more], installDeltas(spec, base, more, installed)),
    activations,
    score: (items) => score(forward, items),
    reply: (items, options) => reply(forward, items, options),
    nextLogits: (prompts) => nextLogits(forward, prompts),
    generate: (prompts, options) => generate(forward, prompts, options),
    perplexity: (tokens) => perplexity(forward, tokens),
    program: async (key, build, inputs = []) => {
      const program = await programs.get(`own ${key}`, new Set([...alwaysInputs, ...inputs]), build);
      return { takes: program.takes, run: (feeds) => program.run(feeds, weight) };
    },
    state: () => installed,
    weightsDigest: () => digestOf(spec, weight, memories),
  };
}

function pick(length: number, at: Wanted, index: number): readonly number[] {
  if (at === 'last') return [length - 1];
  if (at === 'all') return Array.from({ length }, (_, t) => t);
  const chosen = at[index] ?? [];
  for (const t of chosen)
    if (!(Number.isInteger(t) && t >= 0 && t < length)) throw new RangeError(`sequence ${index} has no token ${t}`);
  return chosen;
}

function digestOf(
  spec: DecoderSpec,
  weight: (name: string) => Float32Array,
  memories: ReadonlyMap<string, Memory>,
): string {
  const hash = createHash('sha256');
  const update = (data: string | Float32Array) =>
    hash.update(typeof data === 'string' ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  for (const name of [...spec.parameters.keys()].sort()) {
    update(`${name}\0`);
    update(weight(name));
  }
  for (const memory of memories.values()) memoryKindOf(memory).hash(memory, update);
  return hash.digest('hex');
}

/**
 * A model over weights in memory.
 * @param weights every parameter of the spec; not copied
 * @throws ModelError architecture_tensor_missing
 */
export function modelFromWeights(
  spec: DecoderSpec,
  weights: ReadonlyMap<string, Float32Array>,
  identity: { readonly digest?: string; readonly tokenizer?: Tokenizer | undefined } = {},
  options: ModelOptions = {},
): Model {
  const { weight, weightBytes, programs } = keepWeights(spec, weights, options);
  return {
    spec,
    digest: identity.digest,
    tokenizer: identity.tokenizer,
    view: (deltas = []) => makeView(spec, weight, programs, deltas, installDeltas(spec, weight, deltas, baseState)),
    restore: (state) => makeView(spec, weight, programs, [], checkState(spec, state)),
    weightBytes,
    release: programs.release,
  };
}

/**
 * Loads a checkpoint's weights into memory as float32. The checkpoint may be closed afterwards.
 * @throws ModelError architecture_*, safetensors_*
 */
export function openModel(checkpoint: Checkpoint, options: ModelOptions = {}): Model {
  const { tensors, config, digest, tokenizer } = checkpoint;
  const spec = decoderSpec(config, tensors.names);
  return modelFromWeights(spec, readWeights(spec, tensors), { digest, tokenizer }, options);
}
