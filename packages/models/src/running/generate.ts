// Generation: greedy, temperature and top-k, batched over prompts, with a cache of keys and values of fixed capacity.

import { float32Data, type HostTensors, int32Data } from '@errata/graph';
import { type Batch, checkSequences, packBatches } from './batches.ts';
import { indices } from './feeds.ts';
import type { Forward, Runner } from './forward.ts';
import { makeKeyValueCache } from './kv-cache.ts';
import { placedIn, type ReadPrompt } from './prompts.ts';
import { sampler } from './sampling.ts';
import { freshFeeds } from './score.ts';

/** How to continue prompts. */
export interface GenerateOptions {
  /** New tokens at most, a prompt. */
  readonly maxTokens: number;
  /** 0, the default, takes the most likely token; 1 samples from the model as it is. */
  readonly temperature?: number;
  /** Sample among the k most likely only; default all. */
  readonly topK?: number;
  /** Default 0. Each prompt has a stream of its own, so its sample does not depend on what else is in the batch. */
  readonly seed?: number;
  /** Which stream of the seed each prompt draws from, as a 32-bit number; default its place among the prompts. */
  readonly streams?: readonly number[];
  /** Tokens that end a continuation; not part of it. */
  readonly stop?: readonly number[];
  /** Called for every new token as it comes, with the index of its prompt. */
  readonly onToken?: (prompt: number, token: number) => void;
  /** Stops between two tokens: the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** One continuation. */
export interface Generated {
  readonly tokens: readonly number[];
  /** `stop` at a stop token, `length` at maxTokens or the end of the context. */
  readonly finish: 'stop' | 'length';
}

/** Positions held in the cache at once. */
const tokenBudget = 8192;

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
  for (const batch of packBatches(sequences, tokenBudget, () => options.maxTokens)) {
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
  { maxTokens, temperature = 0, topK, seed = 0, streams, stop = [], onToken, signal }: GenerateOptions,
): Promise<readonly Generated[]> {
  const { spec } = forward;
  const lengths = batch.members.map((member) => prompts[member]!.ids.length);
  const limits = lengths.map((length) => Math.min(maxTokens, spec.context - length));
  const tokens: number[][] = batch.members.map(() => []);
  const finish: ('stop' | 'length' | undefined)[] = limits.map((limit) => (limit === 0 ? 'length' : undefined));
  // The most likely tokens are found by the program; only what is drawn needs the logits, which are many.
  const wanted = temperature === 0 ? 'best' : 'logits';
  const choose = batch.members.map((member) =>
    sampler({ temperature, topK, seed, stream: streams?.[member] ?? member }),
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
      const token =
        wanted === 'best' ? likeliest[row]! : choose[row]!(all.subarray(row * spec.vocab, (row + 1) * spec.vocab));
      if (stop.includes(token)) {
        finish[row] = 'stop';
        continue;
      }
      tokens[row]!.push(token);
      onToken?.(member, token);
      if (tokens[row]!.length === limits[row]) finish[row] = 'length';
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
  return tokens.map((row, i) => ({ tokens: row, finish: finish[i] ?? 'length' }));
}
