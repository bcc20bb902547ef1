// Generation: greedy, temperature and top-k, batched over prompts, with a cache of keys and values of fixed capacity.

import { float32, float32Data, type HostTensor } from '@errata/graph';
import { type Batch, checkSequences, packBatches } from './batches.ts';
import { indices } from './forward.ts';
import { hidden } from './masks.ts';
import { sampler } from './sampling.ts';
import { freshFeeds } from './score.ts';
import type { Forward } from './view.ts';

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

/** Keys and values of all layers, `[B, kvHeads, capacity, headDim]` each; slots not yet filled are masked. */
interface Cache {
  readonly capacity: number;
  readonly layers: readonly { readonly key: Float32Array; readonly value: Float32Array }[];
}

function makeCache({ spec }: Forward, batch: number, capacity: number): Cache {
  const array = () => new Float32Array(batch * spec.kvHeads * capacity * spec.headDim);
  return { capacity, layers: spec.blocks.map(() => ({ key: array(), value: array() })) };
}

/** Copies `[B, kvHeads, time, headDim]` of new keys or values to slots from `at` on. */
function store(
  target: Float32Array,
  fresh: Float32Array,
  lanes: number,
  time: number,
  headDim: number,
  capacity: number,
  at: number,
): void {
  for (let lane = 0; lane < lanes; lane++) {
    const part = fresh.subarray(lane * time * headDim, (lane + 1) * time * headDim);
    target.set(part, (lane * capacity + at) * headDim);
  }
}

function remember(
  forward: Forward,
  cache: Cache,
  out: Readonly<Record<string, HostTensor>>,
  batch: number,
  time: number,
  at: number,
): void {
  const { kvHeads, headDim } = forward.spec;
  for (const [layer, { key, value }] of cache.layers.entries()) {
    store(key, float32Data(out[`key.${layer}`]!), batch * kvHeads, time, headDim, cache.capacity, at);
    store(value, float32Data(out[`value.${layer}`]!), batch * kvHeads, time, headDim, cache.capacity, at);
  }
}

/** @returns continuations in the order of the prompts */
export async function generate(
  forward: Forward,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<readonly Generated[]> {
  checkSequences(forward.spec, prompts);
  if (!Number.isInteger(options.maxTokens) || options.maxTokens < 0)
    throw new RangeError('maxTokens must be a whole number');
  const results = new Array<Generated>(prompts.length);
  for (const batch of packBatches(prompts, tokenBudget, () => options.maxTokens)) {
    const continued = await generateBatch(forward, prompts, batch, options);
    for (const [row, member] of batch.members.entries()) results[member] = continued[row]!;
  }
  return results;
}

async function generateBatch(
  forward: Forward,
  prompts: readonly (readonly number[])[],
  batch: Batch,
  { maxTokens, temperature = 0, topK, seed = 0, stop = [], onToken, signal }: GenerateOptions,
): Promise<readonly Generated[]> {
  const { spec } = forward;
  const lengths = batch.members.map((member) => prompts[member]!.length);
  const limits = lengths.map((length) => Math.min(maxTokens, spec.context - length));
  const tokens: number[][] = batch.members.map(() => []);
  const finish: ('stop' | 'length' | undefined)[] = limits.map((limit) => (limit === 0 ? 'length' : undefined));
  const choose = batch.members.map((member) => sampler({ temperature, topK, seed, stream: member }));
  const running = () => {
    signal?.throwIfAborted();
    return finish.some((state) => state === undefined);
  };

  const take = (logits: Float32Array) => {
    for (const [row, member] of batch.members.entries()) {
      if (finish[row] !== undefined) continue;
      const token = choose[row]!(logits.subarray(row * spec.vocab, (row + 1) * spec.vocab));
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
    const ends = lengths.map((length, row) => row * batch.time + length - 1);
    const each = indices(ends.map((_, row) => row));
    const nothing = indices(ends.map(() => 0));
    const prefill = { ...freshFeeds(forward, batch), rows: indices(ends), targets: nothing, logit_rows: each };
    let out = await forward.run(prefill, ends);
    take(float32Data(out.logits!));
    const cache = makeCache(forward, batch.batch, batch.time + Math.max(0, ...limits) - 1);
    const slots = cache.capacity + 1;
    // The last slot is the new token itself.
    const bias = new Float32Array(batch.batch * slots).fill(hidden);
    for (const [row, length] of lengths.entries()) {
      bias.fill(0, row * slots, row * slots + length);
      bias[(row + 1) * slots - 1] = 0;
    }
    if (running()) remember(forward, cache, out, batch.batch, batch.time, 0);
    const feeds: Record<string, HostTensor> = {
      rows: each,
      targets: nothing,
      logit_rows: each,
      bias: float32([batch.batch, 1, 1, slots], bias),
    };
    for (const [layer, { key, value }] of cache.layers.entries()) {
      const dims = [batch.batch, spec.kvHeads, cache.capacity, spec.headDim];
      feeds[`past_key.${layer}`] = float32(dims, key);
      feeds[`past_value.${layer}`] = float32(dims, value);
    }
    for (let step = 0; running(); step++) {
      // A finished row repeats its last token: its results are not looked at.
      const last = tokens.map((row) => row.at(-1) ?? 0);
      const positions = lengths.map((length, row) => Math.min(length + step, length + Math.max(0, limits[row]! - 1)));
      out = await forward.run({ ...feeds, ids: indices(last), positions: indices(positions) }, []);
      const slot = batch.time + step;
      if (slot < cache.capacity) {
        remember(forward, cache, out, batch.batch, 1, slot);
        for (let row = 0; row < batch.batch; row++) bias[row * slots + slot] = 0;
      }
      take(float32Data(out.logits!));
    }
  }
  return tokens.map((row, i) => ({ tokens: row, finish: finish[i] ?? 'length' }));
}
