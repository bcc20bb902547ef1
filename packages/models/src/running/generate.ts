// Generation: greedy or sampled, batched over prompts, with a cache of keys and values.

import { float32Data, type HostTensors, int32Data } from '@errata/graph';
import { type Batch, checkSequences, packBatches } from './batches.ts';
import { indices } from './feeds.ts';
import type { Forward, Runner } from './forward.ts';
import { makeKeyValueCache } from './kv-cache.ts';
import { type TokenLogProbs, tokenLogProbs } from './log-probs.ts';
import { placedIn, type ReadPrompt } from './prompts.ts';
import { isPlainlyGreedy, type SamplingOptions, sampler } from './sampling.ts';
import { freshFeeds } from './score.ts';

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
}

/** One continuation. */
export interface Generated {
  readonly tokens: readonly number[];
  /** Of each token, where they were asked for. */
  readonly logProbs?: readonly TokenLogProbs[];
  /** `stop` at a stop token or where `until` had it, `length` at maxTokens or the end of the context. */
  readonly finish: 'stop' | 'length';
}

/** Positions held in the cache at once. */
export const positionsAtOnce = 8192;

/** @returns continuations in the order of the prompts */
export async function generate(
  forward: Forward,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<readonly Generated[]> {
  checkSequences(forward.spec, prompts);
  if (!Number.isInteger(options.maxTokens) || options.maxTokens < 0)
    throw new RangeError('maxTokens must be a whole number');
  const read = await forward.read(prompts.map((ids) => ({ ids, behind: 0 })));
  const results = new Array<Generated>(prompts.length);
  const sequences = read.map(({ ids }) => ids);
  for (const batch of packBatches(sequences, positionsAtOnce, () => options.maxTokens)) {
    const continued = await generateBatch(forward, read, batch, options);
    for (const [row, member] of batch.members.entries()) results[member] = continued[row]!;
  }
  return results;
}

/** Continues prompts that are one batch. */
export async function generateBatch(
  forward: Runner,
  prompts: readonly ReadPrompt[],
  batch: Batch,
  { maxTokens, seed = 0, streams, stop = [], logProbs, onToken, until, signal, ...sampling }: GenerateOptions,
): Promise<readonly Generated[]> {
  const { spec, undrawable } = forward;
  const lengths = batch.members.map((member) => prompts[member]!.ids.length);
  const limits = lengths.map((length) => Math.min(maxTokens, spec.context - length));
  const tokens: number[][] = batch.members.map(() => []);
  const probabilities: TokenLogProbs[][] = batch.members.map(() => []);
  const finish: ('stop' | 'length' | undefined)[] = limits.map((limit) => (limit === 0 ? 'length' : undefined));
  // The most likely tokens are found by the program; only what is drawn needs the logits, which are many.
  const wanted = isPlainlyGreedy(sampling) && logProbs === undefined ? 'best' : 'logits';
  const choose = batch.members.map((member) =>
    sampler({ ...sampling, undrawable, seed, stream: streams?.[member] ?? member }),
  );
  const running = () => {
    signal?.throwIfAborted();
    return finish.some((state) => state === undefined);
  };

  const take = ({ best, logits }: HostTensors) => {
    const likeliest = int32Data(best!);
    const all = float32Data(logits!);
    for (const [row, member] of batch.members.entries()) {
      if (finish[row] !== undefined) continue;
      const logits = all.subarray(row * spec.vocab, (row + 1) * spec.vocab);
      // Who chooses changes the logits.
      const token =
        wanted === 'best' ? likeliest[row]! : choose[row]!(logProbs === undefined ? logits : logits.slice());
      if (stop.includes(token)) {
        finish[row] = 'stop';
        continue;
      }
      const found = logProbs === undefined ? undefined : tokenLogProbs(logits, token, logProbs);
      tokens[row]!.push(token);
      if (found !== undefined) probabilities[row]!.push(found);
      onToken?.(member, token, found);
      if (until?.(member, token)) finish[row] = 'stop';
      else if (tokens[row]!.length === limits[row]) finish[row] = 'length';
    }
  };

  if (running()) {
    const laidOut = batch.members.map((member, row) => placedIn(batch, row, prompts[member]!));
    const ends = laidOut.map(({ last }) => last);
    const nothing = indices(ends.map(() => 0));
    const whole = indices(wanted === 'logits' ? ends.map((_, row) => row) : []);
    const prefill = { ...freshFeeds(forward, batch), rows: indices(ends), targets: nothing, logit_rows: whole };
    let out = await forward.run(prefill, laidOut);
    take(out);
    if (running()) {
      const cache = makeKeyValueCache(forward, lengths, Math.max(...limits));
      for (const [row, length] of lengths.entries())
        cache.fill(row, out, { sequence: row, time: batch.time, ranges: [[0, length]] });
      while (running()) {
        // A finished row repeats its last token.
        const last = tokens.map((row) => row.at(-1) ?? 0);
        out = await cache.step(last, wanted);
        take(out);
      }
    }
  }
  return tokens.map((row, i) => ({
    tokens: row,
    finish: finish[i] ?? 'length',
    ...(logProbs !== undefined && { logProbs: probabilities[i]! }),
  }));
}
