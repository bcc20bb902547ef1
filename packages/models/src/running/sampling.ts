// Choosing a token from logits: greedy, or seeded sampling with temperature and top-k.

/** How tokens are chosen. */
export interface SamplerOptions {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  readonly topK?: number | undefined;
  readonly seed: number;
  /** Which of the streams of random numbers under one seed. */
  readonly stream: number;
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
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** Indices of the k greatest logits, greatest first; ties go to the lower index. One pass: few logits get past the k-th. */
function greatest(logits: Float32Array, k: number): readonly number[] {
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

/** Makes the function that chooses one token after another. @throws RangeError for a negative temperature or k below 1 */
export function sampler({ temperature, topK, seed, stream }: SamplerOptions): (logits: Float32Array) => number {
  if (!(temperature >= 0)) throw new RangeError('temperature must be 0 or more');
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) throw new RangeError('topK must be 1 or more');
  if (temperature === 0) return mostLikely;
  const next = uniform(seed, stream);
  return (logits) => {
    const top = mostLikely(logits);
    const weightOf = (token: number) => Math.exp((logits[token]! - logits[top]!) / temperature);
    const candidates = topK === undefined || topK >= logits.length ? logits.keys() : greatest(logits, topK);
    const weighed = Array.from(candidates, (token) => [token, weightOf(token)] as const);
    let left = next() * weighed.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [token, weight] of weighed) {
      left -= weight;
      if (left < 0) return token;
    }
    return top;
  };
}
