// Generation: greedy or sampled continuations of prompts, of one version or of several, in the batch that runs.

import type { DecoderSpec } from '../architectures/spec.ts';
import type { BatchedVersion } from './batched-version.ts';
import { checkSequences } from './batches.ts';
import type { TokenLogProbs } from './log-probs.ts';
import type { ReadPrompt } from './prompts.ts';
import type { RunningBatch } from './running-batch.ts';
import type { SamplingOptions } from './sampling.ts';
import { openedBeside } from './stand-ins.ts';
import { beginWriting, type Generated, type Writing } from './writing.ts';

/** How to continue prompts. */
export interface GenerateOptions extends SamplingOptions {
  /** New tokens at most, a prompt. */
  readonly maxTokens: number;
  /** Default 0. Each prompt has a stream of its own, so its sample does not depend on what else is in the batch. */
  readonly seed?: number;
  /** Which stream of the seed each prompt draws from, as a 32-bit number; default its place among the prompts. */
  readonly streams?: readonly number[];
  /** Tokens that end a continuation; not part of it. */
  readonly stop?: readonly number[];
  /** Says of each new token how probable it was, beside so many of the likeliest in its place. */
  readonly logProbs?: number | undefined;
  /** Called for every new token as it comes, with the index of its prompt. */
  readonly onToken?: (prompt: number, token: number, logProbs: TokenLogProbs | undefined) => void;
  /** Asked of every new token after `onToken`: true ends that prompt's continuation, of which the token is a part. */
  readonly until?: (prompt: number, token: number) => boolean;
  /** Stops between two tokens: the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Whether a prompt goes on from what the version has read before where it begins alike, and what is read is kept for others. What is
   * written is then the same but for the rounding of another run; without it a call depends on none before it.
   */
  readonly reuse?: boolean;
}

/** A prompt that a version is to continue. */
export interface AskedVersion {
  readonly version: BatchedVersion;
  readonly prompt: readonly number[];
}

/** @throws RangeError */
export function requireLength({ maxTokens }: Pick<GenerateOptions, 'maxTokens'>): void {
  if (!Number.isInteger(maxTokens) || maxTokens < 0) throw new RangeError('maxTokens must be a whole number');
}

/**
 * Begins to write what goes on from a prompt of so many tokens.
 * @throws RangeError for settings of sampling that mean nothing
 */
export function beginContinuation(
  { context }: Pick<DecoderSpec, 'context'>,
  undrawable: readonly number[],
  prompt: { readonly index: number; readonly length: number },
  { maxTokens, seed = 0, streams, stop = [], onToken, until, ...options }: GenerateOptions,
): Writing {
  const { index, length } = prompt;
  return beginWriting({
    ...options,
    maxTokens: Math.min(maxTokens, context - length),
    seed,
    stream: streams?.[index] ?? index,
    stop,
    undrawable,
    onToken: onToken && ((token, logProbs) => onToken(index, token, logProbs)),
    until: until && ((token) => until(index, token)),
  });
}

/**
 * Continuations of prompts, in their order, each by its version. What comes out is what each gives by itself, but for the rounding of another
 * batch.
 * @throws ModelError sequence_*
 */
export async function generate(
  own: RunningBatch,
  spec: DecoderSpec,
  given: readonly AskedVersion[],
  options: GenerateOptions,
): Promise<readonly Generated[]> {
  const { maxTokens, signal, reuse = false } = options;
  checkSequences(
    spec,
    given.map(({ prompt }) => prompt),
  );
  requireLength(options);
  signal?.throwIfAborted();
  const { asked, batches } = await whoAnswers(own, given);
  const prompts = await readPrompts(asked);
  const failed = new AbortController();
  const call = {};
  const all = asked.map(({ version }, index) => {
    const prompt = prompts[index]!;
    const { forward } = version;
    const place = { index, length: prompt.ids.length };
    return {
      version,
      prompt,
      writing: beginContinuation(forward.spec, forward.undrawable, place, options),
      maxTokens,
      call,
      reuse,
      signal: signal ? AbortSignal.any([signal, failed.signal]) : failed.signal,
    };
  });
  try {
    return await Promise.all(all.map((each, index) => batches[index]!.add(each)));
  } catch (error) {
    // One that fails ends all of its call.
    failed.abort(error);
    throw error;
  }
}

/** Who answers each prompt, and in which batch: the version that is asked, or who stands in for it. */
async function whoAnswers(own: RunningBatch, given: readonly AskedVersion[]) {
  const standIns = given.some(({ version: { standIn } }) => standIn)
    ? await Promise.all(given.map(async ({ version, prompt }) => (await version.standIn?.(prompt)) ?? null))
    : [];
  const found = given.map((asked, at) => {
    const standIn = standIns[at];
    if (!standIn) return { asked, batch: own };
    const { version, batch } = openedBeside(standIn.by);
    checkSequences(version.forward.spec, [standIn.prompt]);
    return { asked: { version, prompt: standIn.prompt }, batch };
  });
  return { asked: found.map(({ asked }) => asked), batches: found.map(({ batch }) => batch) };
}

/** Lets the memories of each version put in front of its prompts what they do. */
async function readPrompts(asked: readonly AskedVersion[]): Promise<readonly ReadPrompt[]> {
  const read = new Array<ReadPrompt>(asked.length);
  for (const version of new Set(asked.map((each) => each.version))) {
    const members = [...asked.keys()].filter((index) => asked[index]!.version === version);
    const found = await version.forward.read(members.map((index) => ({ ids: asked[index]!.prompt, behind: 0 })));
    for (const [at, index] of members.entries()) read[index] = found[at]!;
  }
  return read;
}
