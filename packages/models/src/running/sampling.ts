// Choosing a token from logits: greedy, or seeded sampling among the most likely, after penalties and biases.

/** How tokens are chosen. The order is that of transformers: biases and penalties, temperature, top-k, top-p, min-p. */
export interface SamplingOptions {
  /** 0, the default, takes the most likely token; 1 samples from the model as it is. */
  readonly temperature?: number;
  /** Sample among the k most likely only; default all. */
  readonly topK?: number | undefined;
  /** Sample among the fewest most likely tokens that have this share of the probability together; default 1, all. */
  readonly topP?: number | undefined;
  /** Sample among tokens at least so probable, against the most likely one; default 0, all. */
  readonly minP?: number | undefined;
  /** Taken off a token's logit for each time that it was chosen before; default 0. */
  readonly frequencyPenalty?: number | undefined;
  /** Taken off the logit of a token that was chosen before; default 0. */
  readonly presencePenalty?: number | undefined;
  /** Added to logits, by token. */
  readonly logitBias?: ReadonlyMap<number, number> | undefined;
}

/** Which random numbers a sampler draws, and what it must not draw. */
interface SamplerOptions extends SamplingOptions {
  readonly seed: number;
  /** Which of the streams of random numbers under one seed. */
  readonly stream: number;
  /** Tokens that are never chosen. */
  readonly undrawable?: readonly number[];
}

/** Whether the most likely token of the model is always the one chosen, so that its logits need not be seen. */
export const isPlainlyGreedy = (options: SamplingOptions): boolean =>
  (options.temperature ?? 0) === 0 && !adjusts(options);

const adjusts = ({ frequencyPenalty = 0, presencePenalty = 0, logitBias }: SamplingOptions): boolean =>
  frequencyPenalty !== 0 || presencePenalty !== 0 || (logitBias?.size ?? 0) > 0;

/** What biases and penalties add to logits. */
interface Adjustments {
  /** By token; it changes with what is chosen. */
  readonly by: ReadonlyMap<number, number>;
  readonly chose: (token: number) => void;
}

export function makeAdjustments({
  frequencyPenalty = 0,
  presencePenalty = 0,
  logitBias,
}: SamplingOptions): Adjustments {
  const by = new Map(logitBias);
  const chosen = new Set<number>();
  return {
    by,
    chose: (token) => {
      const lost = frequencyPenalty + (chosen.has(token) ? 0 : presencePenalty);
      if (lost !== 0) by.set(token, (by.get(token) ?? 0) - lost);
      chosen.add(token);
    },
  };
}

/** Uniform numbers in [0, 1): splitmix32, good enough to choose tokens and the same on every machine. */
export function uniform(seed: number, stream: number): () => number {
  let state = (Math.imul(seed, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)) | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

function mostLikely(logits: Float32Array): number {
  let [best, highest] = [0, logits[0]!];
  for (let i = 1; i < logits.length; i++) if (logits[i]! > highest) [best, highest] = [i, logits[i]!];
  return best;
}

/** Indices of the k greatest logits, greatest first; ties go to the lower index. One pass: few logits get past the k-th. */
export function greatest(logits: Float32Array, k: number): readonly number[] {
  const found: number[] = [];
  for (let i = 0; i < logits.length; i++) {
    if (found.length === k && !(logits[i]! > logits[found[k - 1]!]!)) continue;
    let place = found.length;
    while (place > 0 && logits[i]! > logits[found[place - 1]!]!) place--;
    found.splice(place, 0, i);
    if (found.length > k) found.pop();
  }
  return found;
}

/**
 * The fewest most likely tokens with the share `p` of all weight together, the most likely first; ties go to the lower index. Tokens too
 * light to matter are not sorted: those that weigh less than an equal part of the rest, 1 - p, weigh less than that rest together.
 */
function nucleus(
  candidates: Candidates,
  logits: Float32Array,
  weightOf: (token: number) => number,
  p: number,
): readonly number[] {
  const total = weigh(candidates, weightOf);
  const lightest = ((1 - p) * total) / candidates.count;
  const heavy: number[] = [];
  for (let i = 0; i < candidates.count; i++) {
    const token = candidates.at(i);
    if (weightOf(token) >= lightest) heavy.push(token);
  }
  heavy.sort((a, b) => logits[b]! - logits[a]! || a - b);
  let sum = 0;
  const last = heavy.findIndex((token) => {
    sum += weightOf(token);
    return sum >= p * total;
  });
  return last < 0 ? heavy : heavy.slice(0, last + 1);
}

/** Tokens among which one is drawn, in the order in which they are gone through. */
interface Candidates {
  readonly count: number;
  readonly at: (index: number) => number;
}

const listed = (tokens: readonly number[]): Candidates => ({ count: tokens.length, at: (index) => tokens[index]! });

function weigh({ count, at }: Candidates, weightOf: (token: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += weightOf(at(i));
  return sum;
}

function requireSettings({ temperature = 0, topK, topP = 1, minP = 0 }: SamplingOptions): void {
  if (!(temperature >= 0)) throw new RangeError('temperature must be 0 or more');
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) throw new RangeError('topK must be 1 or more');
  if (!(topP > 0 && topP <= 1)) throw new RangeError('topP must be above 0 and 1 at most');
  if (!(minP >= 0 && minP <= 1)) throw new RangeError('minP must be from 0 to 1');
}

/**
 * Makes the function that chooses one token after another. It changes the logits it is given, and tells the adjustments what it chose.
 * @throws RangeError for settings that mean nothing
 */
export function sampler(
  options: SamplerOptions,
  adjustments: Adjustments = makeAdjustments(options),
): (logits: Float32Array) => number {
  requireSettings(options);
  const { temperature = 0, topK, topP = 1, minP = 0, seed, stream, undrawable = [] } = options;
  const next = uniform(seed, stream);

  const adjust = (logits: Float32Array) => {
    for (const [token, by] of adjustments.by) logits[token]! += by;
    for (const token of undrawable) logits[token] = Number.NEGATIVE_INFINITY;
  };

  const draw = (logits: Float32Array, top: number): number => {
    const highest = logits[top]!;
    // Weights are worked out again wherever they are needed: that costs less than keeping a hundred thousand of them.
    const weightOf = (token: number) => {
      const weight = Math.exp((logits[token]! - highest) / temperature);
      return weight < minP ? 0 : weight;
    };
    const everything = { count: logits.length, at: (index: number) => index };
    const likeliest = topK === undefined || topK >= logits.length ? everything : listed(greatest(logits, topK));
    const candidates = topP === 1 ? likeliest : listed(nucleus(likeliest, logits, weightOf, topP));
    let left = next() * weigh(candidates, weightOf);
    for (let i = 0; i < candidates.count; i++) {
      const token = candidates.at(i);
      left -= weightOf(token);
      if (left < 0) return token;
    }
    return top;
  };

  return (logits) => {
    adjust(logits);
    const top = mostLikely(logits);
    const token = temperature === 0 ? top : draw(logits, top);
    adjustments.chose(token);
    return token;
  };
}
