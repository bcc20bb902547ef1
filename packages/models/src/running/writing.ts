// One continuation while it is written: how each token is chosen, and when it ends.

import { type TokenLogProbs, tokenLogProbs } from './log-probs.ts';
import { isPlainlyGreedy, makeAdjustments, type SamplingOptions, sampler } from './sampling.ts';

/** How one prompt is continued. */
export interface WritingOptions extends SamplingOptions {
  /** New tokens at most. */
  readonly maxTokens: number;
  readonly seed: number;
  /** Which stream of random numbers under the seed. */
  readonly stream: number;
  readonly stop: readonly number[];
  readonly undrawable: readonly number[];
  /** Says of each new token how probable it was, beside so many of the likeliest in its place. */
  readonly logProbs?: number | undefined;
  readonly onToken?: ((token: number, logProbs: TokenLogProbs | undefined) => void) | undefined;
  readonly until?: ((token: number) => boolean) | undefined;
}

/** One continuation. */
export interface Generated {
  readonly tokens: readonly number[];
  /** Of each token, where they were asked for. */
  readonly logProbs?: readonly TokenLogProbs[];
  /** `stop` at a stop token or where `until` had it, `length` at maxTokens or the end of the context. */
  readonly finish: 'stop' | 'length';
}

export interface Writing {
  readonly tokens: readonly number[];
  /** Whether it chooses from logits: the most likely token alone does not tell. */
  readonly needsLogits: boolean;
  /**
   * Of one that takes the most likely token after biases and penalties: what is to be added to logits, by token, before its next. Where that
   * is done it needs no logits. Undefined for others.
   */
  readonly changes: ReadonlyMap<number, number> | undefined;
  readonly finished: () => boolean;
  /** @param logits of the next token, where they are needed; they are changed */
  readonly take: (best: number, logits: Float32Array | undefined) => void;
  readonly result: () => Generated;
}

/** @throws RangeError for settings of sampling that mean nothing */
export function beginWriting(options: WritingOptions): Writing {
  const { maxTokens, stop, logProbs, onToken, until } = options;
  const tokens: number[] = [];
  const probabilities: TokenLogProbs[] = [];
  const adjustments = makeAdjustments(options);
  const choose = sampler(options, adjustments);
  const needsLogits = !isPlainlyGreedy(options) || logProbs !== undefined;
  const onlyAdjusts = needsLogits && logProbs === undefined && (options.temperature ?? 0) === 0;
  let finish: Generated['finish'] | undefined = maxTokens <= 0 ? 'length' : undefined;
  return {
    tokens,
    needsLogits,
    changes: onlyAdjusts ? adjustments.by : undefined,
    finished: () => finish !== undefined,
    take: (best, logits) => {
      // Who chooses changes the logits.
      const token = logits === undefined ? best : choose(logProbs === undefined ? logits : logits.slice());
      if (logits === undefined) adjustments.chose(best);
      if (stop.includes(token)) {
        finish = 'stop';
        return;
      }
      const found = logits === undefined || logProbs === undefined ? undefined : tokenLogProbs(logits, token, logProbs);
      tokens.push(token);
      if (found !== undefined) probabilities.push(found);
      onToken?.(token, found);
      if (until?.(token)) finish = 'stop';
      else if (tokens.length >= maxTokens) finish = 'length';
    },
    result: () => ({
      tokens,
      finish: finish ?? 'length',
      ...(logProbs !== undefined && { logProbs: probabilities }),
    }),
  };
}
