// Views: one version of a model as editors and evaluations see it. Switching versions swaps arrays, never sessions.

import { createHash } from 'node:crypto';
import type { Tensor } from '@errata/graph';
import { decoderSpec } from '../architectures/index.ts';
import { type DecoderSpec, valueMatrix } from '../architectures/spec.ts';
import { type Contents, makeContents } from '../deltas/contents.ts';
import { type Delta, type Memory, memoryKindOf } from '../deltas/index.ts';
import type {
  ActivationReading,
  AnsweringModel,
  AnsweringVersion,
  AnswerReading,
  Patch,
  Reading,
  Spoken,
} from '../deltas/reading.ts';
import { checkState, installDeltas, type VersionState } from '../deltas/state.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { activations, type Wanted } from './activations.ts';
import type { BatchedVersion } from './batched-version.ts';
import { type Forward, makeForward } from './forward.ts';
import { type GenerateOptions, generate } from './generate.ts';
import { captureName, type SiteAt } from './graphs.ts';
import { promptLogProbs, type TokenLogProbs } from './log-probs.ts';
import { generateOutputs, replyByOutputs } from './outputs.ts';
import { type Added, addendsOf, ownMatrices } from './own-matrices.ts';
import { makePrefixCache } from './prefixes.ts';
import type { ProgramCache, ViewProgram, WeightSource } from './program-cache.ts';
import { type Reply, type ReplyItem, type ReplyOptions, reply } from './reply.ts';
import { batchBytes, makeRunningBatch, type RunningBatch, usualLimits, usualPrefixBytes } from './running-batch.ts';
import { nextLogits, type Perplexity, perplexity, type Score, type ScoreItem, score } from './score.ts';
import { type OpenedBeside, type StandInOf, withStandIns } from './stand-ins.ts';
import { idsWithoutToken } from './undrawable.ts';
import { keepWeights, type ModelOptions, readWeights } from './weights.ts';
import type { Generated } from './writing.ts';

/**
 * One version of a model: base weights plus deltas in order. Immutable. Its memories act on every prompt it is given; what they put in front
 * of one counts against the model's context.
 */
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
   * @param at token indices of each sequence as it is given, or `last` or `all`
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
  /**
   * Log-probabilities of prompts' own tokens from their second on, with the `top` likeliest in each place. They are the version's own, whoever
   * would answer.
   * @throws ModelError sequence_*
   */
  readonly promptLogProbs: (
    prompts: readonly (readonly number[])[],
    top: number,
  ) => Promise<readonly (readonly TokenLogProbs[])[]>;
  /** Continuations of prompts. @throws ModelError sequence_* */
  readonly generate: (
    prompts: readonly (readonly number[])[],
    options: GenerateOptions,
  ) => Promise<readonly Generated[]>;
  /** The row of a memory that acts on a prompt, of the first memory that has one; null where none acts. @throws ModelError sequence_* */
  readonly speaking: (prompt: readonly number[]) => Promise<Spoken | null>;
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
  /** How it runs in one batch with others. */
  readonly batched: BatchedVersion;
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
  /** W0 by name. */
  readonly base: (name: string) => Float32Array;
  /** What memories of its versions are read with. */
  readonly contents: Contents;
  /** Opens a decoder of the same tokens beside it, for memories that have one answer. */
  readonly openBeside: AnsweringModel['openBeside'];
  /** The version with these deltas; none is the base. @throws ModelError delta_misfit, delta_malformed */
  readonly view: (deltas?: readonly Delta[]) => View;
  /**
   * The version of a state, bit for bit. It holds no deltas of its own, so that a long run of edits need not keep them all.
   * @throws ModelError delta_misfit
   */
  readonly restore: (state: VersionState) => View;
  /**
   * Continuations of prompts of several versions, in one batch with all others that are being written; {@link View.generate} is the same of
   * one version.
   * @throws ModelError sequence_*
   */
  readonly generate: (
    asked: readonly { readonly view: View; readonly prompt: readonly number[] }[],
    options: GenerateOptions,
  ) => Promise<readonly Generated[]>;
  /** Bytes of the base weights in memory. */
  readonly weightBytes: number;
  /** Frees all sessions. */
  readonly release: () => Promise<void>;
}

/** What all versions of a model share. */
interface Shared extends AnsweringModel {
  readonly programs: ProgramCache;
  readonly undrawable: readonly number[];
  readonly batch: RunningBatch;
}

/** W_out of every layer is fed at every run: versions differ there. */
const valueWeights = (spec: DecoderSpec): readonly string[] =>
  spec.blocks.map((_, layer) => valueMatrix(spec, layer).weight);

/** @param added all that the version changed of the base */
function makeView(shared: Shared, deltas: readonly Delta[], state: VersionState, added: Added): View {
  const { spec, base, programs, batch } = shared;
  const { weights, memories } = state;
  const weight = (name: string) => weights.get(name) ?? base(name);
  const inputs = new Set([...valueWeights(spec), ...weights.keys()]);
  const readings = [...memories.values()].flatMap((memory) => memoryKindOf(memory).reading(memory) ?? []);
  const patched = keptFor(keptPatches, (patch: Patch): OpenedBeside => {
    const more = patch as readonly Delta[];
    const staying = [...memories].filter(([, memory]) => memoryKindOf(memory).reading(memory)?.at !== 'answer');
    const changed = installDeltas(spec, base, more, { weights, memories: new Map(staying) });
    const view = makeView(shared, more, changed, addendsOf(spec, more, added));
    return { answering: view, version: view.batched, batch, release: async () => {} };
  });
  const version: AnsweringVersion = { ...shared, patched };
  const forward = makeForward({ ...shared, readings, weight, inputs });
  const standIn = standInOf(readings, version);
  const answering = withStandIns(
    {
      score: (items) => score(forward, items),
      reply: (items, options) => (spec.over ? replyByOutputs(forward, items, options) : reply(forward, items, options)),
      nextLogits: (prompts) => nextLogits(forward, prompts),
    },
    standIn,
  );
  const batched: BatchedVersion = {
    forward,
    standIn,
    actsOnPrompts: readings.some(({ at }) => at === 'activation'),
    // What acts on every token keeps a version from running beside others.
    own: readings.some((reading) => reading.at === 'activation' && reading.everywhere)
      ? undefined
      : ownMatrices(spec, added, weight),
  };

  return {
    spec,
    deltas,
    memories,
    weight,
    with: (more) => {
      const changed = installDeltas(spec, base, more, state);
      return makeView(shared, [...deltas, ...more], changed, addendsOf(spec, more, added));
    },
    activations: (sequences, wanted, at) => activations(forward, sequences, wanted, at),
    ...answering,
    promptLogProbs: (prompts, top) => promptLogProbs(forward, prompts, top),
    generate: (prompts, options) =>
      spec.over
        ? generateOutputs(forward, prompts, options)
        : generate(
            batch,
            spec,
            prompts.map((prompt) => ({ version: batched, prompt })),
            options,
          ),
    speaking: async (prompt) => {
      // Where another answers, no other memory acts.
      for (const reading of [...readings].sort((a, b) => Number(b.at === 'answer') - Number(a.at === 'answer'))) {
        const found =
          reading.at === 'activation'
            ? await actingRow(forward, prompt, reading.speaking)
            : await reading.speaking?.(prompt, version);
        if (found) return found;
      }
      return null;
    },
    perplexity: (tokens) => perplexity(forward, tokens),
    program: async (key, build, further = []) => {
      const program = await programs.get(`own ${key}`, new Set([...inputs, ...further]), build);
      return { takes: program.takes, run: (feeds) => program.run(feeds, weight) };
    },
    batched,
    state: () => state,
    weightsDigest: () => digestOf(spec, weight, memories),
  };
}

/** Versions with a patch that are kept for prompts to come: each has matrices of its own. */
const keptPatches = 8;

/** What was made of the arguments that were asked for last, so many of them. */
function keptFor<Of extends object, Made>(most: number, make: (of: Of) => Made): (of: Of) => Made {
  const kept = new Map<Of, Made>();
  return (of) => {
    const made = kept.get(of) ?? make(of);
    kept.delete(of);
    kept.set(of, made);
    for (const oldest of kept.keys()) if (kept.size > most) kept.delete(oldest);
    return made;
  };
}

/** Who stands in for a version: of several memories that have somebody answer, the first that does. */
function standInOf(readings: readonly Reading[], version: AnsweringVersion): StandInOf | undefined {
  const answering = readings.filter((reading): reading is AnswerReading => reading.at === 'answer');
  if (answering.length === 0) return undefined;
  return async (prompt) => {
    for (const reading of answering) {
      const found = await reading.standIn(prompt, version);
      if (found !== null) return found;
    }
    return null;
  };
}

/** The row that acts by what a prompt's last token has at a site. */
async function actingRow(
  forward: Forward,
  prompt: readonly number[],
  speaking: ActivationReading['speaking'],
): Promise<Spoken | null> {
  if (speaking === undefined) return null;
  const found = await activations(forward, [prompt], [speaking.key], 'last');
  return speaking.row(found.get(captureName(speaking.key))!);
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

/** Weights opened as a model whose versions share all that can be shared. */
function openBase(
  spec: DecoderSpec,
  weights: ReadonlyMap<string, Float32Array>,
  tokenizer: Tokenizer | undefined,
  options: ModelOptions,
): { readonly shared: Shared; readonly weightBytes: number } {
  const { weight: base, weightBytes, programs } = keepWeights(spec, weights, options);
  const contents = makeContents(options.contents);
  const undrawable = idsWithoutToken(tokenizer, spec.vocab);
  const basePass = { spec, tokenizer, base, contents, programs, undrawable, weight: base, readings: [] };
  const limits = { ...usualLimits, ...(options.batchBytes !== undefined && { bytes: options.batchBytes }) };
  const batch = makeRunningBatch({
    spec,
    base,
    forwardWith: (company) =>
      makeForward({ ...basePass, inputs: new Set(valueWeights(spec)), ...(company && { company }) }),
    prefixes: makePrefixCache(options.prefixBytes ?? usualPrefixBytes(batchBytes(spec, limits))),
    limits,
  });
  const openBeside = (other: DecoderSpec, theirs: ReadonlyMap<string, Float32Array>): OpenedBeside => {
    const { shared } = openBase(other, theirs, tokenizer, options);
    const view = makeView(shared, [], installDeltas(other, shared.base, []), new Map());
    return { answering: view, version: view.batched, batch: shared.batch, release: shared.programs.release };
  };
  return { shared: { spec, tokenizer, base, contents, programs, undrawable, batch, openBeside }, weightBytes };
}

/**
 * A model over weights in memory.
 * @param weights every parameter of the spec; not copied
 * @throws ModelError architecture_tensor_missing
 */
export function modelFromWeights(
  spec: DecoderSpec,
  weights: ReadonlyMap<string, Float32Array>,
  { digest, tokenizer }: { readonly digest?: string; readonly tokenizer?: Tokenizer | undefined } = {},
  options: ModelOptions = {},
): Model {
  const { shared, weightBytes } = openBase(spec, weights, tokenizer, options);
  const { base, contents, openBeside, batch, programs } = shared;
  return {
    spec,
    digest,
    tokenizer,
    base,
    contents,
    openBeside,
    view: (deltas = []) =>
      makeView(shared, deltas, installDeltas(spec, base, deltas), addendsOf(spec, deltas, new Map())),
    restore: (state) => {
      const whole = [...state.weights.keys()].map((name) => [name, undefined] as const);
      return makeView(shared, [], checkState(spec, state), new Map(whole));
    },
    generate: (asked, options) =>
      spec.over
        ? generateByVersion(asked, options)
        : generate(
            batch,
            spec,
            asked.map(({ view, prompt }) => ({ version: view.batched, prompt })),
            options,
          ),
    weightBytes,
    release: programs.release,
  };
}

/** Versions over an encoder are not run side by side: each answers its own prompts. */
async function generateByVersion(
  asked: Parameters<Model['generate']>[0],
  { onToken, until, streams, ...options }: GenerateOptions,
): Promise<readonly Generated[]> {
  const results = new Array<Generated>(asked.length);
  for (const view of new Set(asked.map((each) => each.view))) {
    const members = [...asked.keys()].filter((index) => asked[index]!.view === view);
    const written = await view.generate(
      members.map((index) => asked[index]!.prompt),
      {
        ...options,
        streams: members.map((index) => streams?.[index] ?? index),
        ...(onToken && { onToken: (row, token, logProbs) => onToken(members[row]!, token, logProbs) }),
        ...(until && { until: (row, token) => until(members[row]!, token) }),
      },
    );
    for (const [row, index] of members.entries()) results[index] = written[row]!;
  }
  return results;
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
