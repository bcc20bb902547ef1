// Models: weights that are opened once, and whose versions share all that can be shared.

import { decoderSpec } from '../architectures/index.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { type Contents, makeContents } from '../deltas/contents.ts';
import type { Delta } from '../deltas/index.ts';
import type { AnsweringModel } from '../deltas/reading.ts';
import { checkState, installDeltas, type VersionState } from '../deltas/state.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { makeForward } from './forward.ts';
import { type GenerateOptions, generate } from './generate.ts';
import { addendsOf } from './own-matrices.ts';
import { makePrefixCache } from './prefixes.ts';
import { batchBytes, makeRunningBatch, usualLimits, usualPrefixBytes } from './running-batch.ts';
import type { OpenedBeside } from './stand-ins.ts';
import { idsWithoutToken } from './undrawable.ts';
import { makeView, type Shared, type View, valueWeights } from './view.ts';
import { keepWeights, type ModelOptions, readWeights } from './weights.ts';
import type { Generated } from './writing.ts';

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
