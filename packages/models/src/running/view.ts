// Views: one version of a model as editors and evaluations see it. Switching versions swaps arrays, never sessions.

import { createHash } from 'node:crypto';
import type { Tensor } from '@errata/graph';
import { type DecoderSpec, valueMatrix } from '../architectures/spec.ts';
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
import { installDeltas, type VersionState } from '../deltas/state.ts';
import { activations, type Wanted } from './activations.ts';
import type { BatchedVersion } from './batched-version.ts';
import { type Forward, makeForward } from './forward.ts';
import { type GenerateOptions, generate } from './generate.ts';
import { captureName, type SiteAt } from './graphs.ts';
import { promptLogProbs, type TokenLogProbs } from './log-probs.ts';
import { generateOutputs, replyByOutputs } from './outputs.ts';
import { type Added, addendsOf, ownMatrices } from './own-matrices.ts';
import type { ProgramCache, ViewProgram, WeightSource } from './program-cache.ts';
import { type Reply, type ReplyItem, type ReplyOptions, reply } from './reply.ts';
import type { RunningBatch } from './running-batch.ts';
import { nextLogits, type Perplexity, perplexity, type Score, type ScoreItem, score } from './score.ts';
import { type OpenedBeside, type StandInOf, withStandIns } from './stand-ins.ts';
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

/** What all versions of a model share. */
export interface Shared extends AnsweringModel {
  readonly programs: ProgramCache;
  readonly undrawable: readonly number[];
  readonly batch: RunningBatch;
}

/** W_out of every layer is fed at every run: versions differ there. */
export const valueWeights = (spec: DecoderSpec): readonly string[] =>
  spec.blocks.map((_, layer) => valueMatrix(spec, layer).weight);

/** @param added all that the version changed of the base */
export function makeView(shared: Shared, deltas: readonly Delta[], state: VersionState, added: Added): View {
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
