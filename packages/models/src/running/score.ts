// Scoring: log-probabilities of given continuations, next-token logits and perplexity.

import { float32, float32Data, type HostTensor, int32Data } from '@errata/graph';
import type { DecoderSpec } from '../architectures/spec.ts';
import { ModelError } from '../errors.ts';
import { type Batch, checkSequences, packBatches } from './batches.ts';
import { indices } from './feeds.ts';
import type { Forward, Runner } from './forward.ts';
import { causalBias } from './masks.ts';
import { placedIn } from './prompts.ts';

/** A prompt and the continuation to score. */
export interface ScoreItem {
  /** At least one token, so that the first of the target has a predictor. */
  readonly prompt: readonly number[];
  /** At least one token. */
  readonly target: readonly number[];
}

/** How a model takes a continuation, token by token. */
export interface Score {
  /** log p(token | all before it), in nats. */
  readonly logProbs: Float32Array;
  /** The model's own most likely token at each position, under teacher forcing. */
  readonly best: Int32Array;
}

/** Positions in one run: as many as keep one activation of an MLP at 4 MB, within bounds. */
const tokensAtOnce = ({ mlpWidth }: DecoderSpec): number =>
  Math.min(2048, Math.max(256, Math.floor(2 ** 20 / mlpWidth)));

/** Feeds of whole sequences. */
const batchFeeds = ({ batch, time, ids, positions }: Batch): Record<string, HostTensor> => ({
  ids: indices(ids),
  positions: indices(positions),
  bias: float32([batch, 1, time, time], causalBias(batch, time)),
});

/** Feeds of sequences behind which others will go on from their keys and values, with nothing cached before them. */
export function freshFeeds({ spec }: Runner, batch: Batch): Record<string, HostTensor> {
  const feeds = batchFeeds(batch);
  const none = () => float32([batch.batch, spec.kvHeads, 0, spec.headDim], new Float32Array(0));
  for (let layer = 0; layer < spec.layers; layer++) {
    feeds[`past_key.${layer}`] = none();
    feeds[`past_value.${layer}`] = none();
  }
  return feeds;
}

/** @returns scores in the order of the items */
export async function score(forward: Forward, items: readonly ScoreItem[]): Promise<readonly Score[]> {
  const { spec } = forward;
  for (const [index, { prompt, target }] of items.entries()) {
    if (prompt.length === 0 || target.length === 0)
      throw new ModelError('sequence_empty', {
        where: `item ${index}`,
        what: `its ${prompt.length === 0 ? 'prompt' : 'target'} has no tokens`,
        hint: 'Give both at least one token',
      });
  }
  checkSequences(
    spec,
    items.map(({ prompt, target }) => [...prompt, ...target]),
  );
  const read = await forward.read(items.map(({ prompt, target }) => ({ ids: prompt, behind: target.length })));
  // The last token predicts nothing that is asked.
  const sequences = items.map(({ target }, item) => [...read[item]!.ids, ...target.slice(0, -1)]);
  const results = new Array<Score>(items.length);
  for (const batch of packBatches(sequences, tokensAtOnce(spec))) {
    const rows: number[] = [];
    const targets: number[] = [];
    for (const [row, member] of batch.members.entries()) {
      const last = row * batch.time + read[member]!.ids.length - 1;
      for (const [t, token] of items[member]!.target.entries()) {
        rows.push(last + t);
        targets.push(token);
      }
    }
    const prompts = batch.members.map((member, row) => placedIn(batch, row, read[member]!));
    const out = await forward.scan(
      {
        ...batchFeeds(batch),
        ...forward.inputFeeds(batch.members.map((member) => read[member]!)),
        rows: indices(rows),
        targets: indices(targets),
        logit_rows: indices([]),
      },
      prompts,
    );
    const [logProbs, best] = [float32Data(out.log_probs!), int32Data(out.best!)];
    let at = 0;
    for (const member of batch.members) {
      const end = at + items[member]!.target.length;
      results[member] = { logProbs: logProbs.slice(at, end), best: best.slice(at, end) };
      at = end;
    }
  }
  return results;
}

/** @returns logits `[vocab]` of the token after each prompt */
export async function nextLogits(
  forward: Forward,
  prompts: readonly (readonly number[])[],
): Promise<readonly Float32Array[]> {
  const { spec } = forward;
  checkSequences(spec, prompts);
  const read = await forward.read(prompts.map((ids) => ({ ids, behind: 0 })));
  const results = new Array<Float32Array>(prompts.length);
  for (const batch of packBatches(
    read.map(({ ids }) => ids),
    tokensAtOnce(spec),
  )) {
    const laidOut = batch.members.map((member, row) => placedIn(batch, row, read[member]!));
    const ends = laidOut.map(({ last }) => last);
    const out = await forward.scan(
      {
        ...batchFeeds(batch),
        ...forward.inputFeeds(batch.members.map((member) => read[member]!)),
        rows: indices(ends),
        targets: indices(ends.map(() => 0)),
        logit_rows: indices(ends.map((_, i) => i)),
      },
      laidOut,
    );
    const logits = float32Data(out.logits!);
    for (const [row, member] of batch.members.entries())
      results[member] = logits.slice(row * spec.vocab, (row + 1) * spec.vocab);
  }
  return results;
}

/** Perplexity of a text. */
export interface Perplexity {
  /** exp of the mean negative log-probability. */
  readonly perplexity: number;
  /** Mean negative log-probability, in nats a token. */
  readonly meanNegativeLogProb: number;
  /** Tokens scored: all but the first. */
  readonly tokens: number;
}

/** Tokens that an encoder reads and the decoder says to them, where a text is measured. */
const stretch = 64;

/**
 * Perplexity over windows of the context's length; each window is conditioned on the last token of the one before. Over an encoder each
 * stretch of 64 tokens is said to the stretch before it.
 */
export async function perplexity(forward: Forward, tokens: readonly number[]): Promise<Perplexity> {
  if (tokens.length < 2)
    throw new ModelError('sequence_empty', {
      where: 'text',
      what: 'it has fewer than two tokens',
      hint: 'Give more text',
    });
  const { context, over } = forward.spec;
  const stride = over ? Math.min(stretch, Math.floor(context / 2)) : context - 1;
  const items: ScoreItem[] = [];
  for (let at = 0; at + 1 < tokens.length; at += stride)
    items.push({
      prompt: over ? tokens.slice(Math.max(0, at + 1 - stride), at + 1) : [tokens[at]!],
      target: tokens.slice(at + 1, at + 1 + stride),
    });
  const scores = await score(
    { ...forward, read: forward.readPlainly, scan: (feeds) => forward.scan(feeds, []) },
    items,
  );
  let sum = 0;
  for (const { logProbs } of scores) for (const logProb of logProbs) sum -= logProb;
  const meanNegativeLogProb = sum / (tokens.length - 1);
  return { perplexity: Math.exp(meanNegativeLogProb), meanNegativeLogProb, tokens: tokens.length - 1 };
}
