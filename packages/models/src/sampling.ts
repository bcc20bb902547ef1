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

/** Indices of the k greatest logits, greatest first; ties go to the lower index. */
function greatest(logits: Float32Array, k: number): readonly number[] {
  return Array.from(logits, (_, i) => i)
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, k);
}

/** Makes the function that chooses one token after another. @throws RangeError for a negative temperature or k below 1 */
export function sampler({ temperature, topK, seed, stream }: SamplerOptions): (logits: Float32Array) => number {
  if (!(temperature >= 0)) throw new RangeError('temperature must be 0 or more');
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) throw new RangeError('topK must be 1 or more');
  if (temperature === 0) return mostLikely;
  const next = uniform(seed, stream);
  return (logits) => {
    const candidates = greatest(logits, topK ?? logits.length);
    const top = logits[candidates[0]!]!;
    const weights = candidates.map((token) => Math.exp((logits[token]! - top) / temperature));
    let left = next() * weights.reduce((a, b) => a + b, 0);
    for (const [i, weight] of weights.entries()) {
      left -= weight;
      if (left < 0) return candidates[i]!;
    }
    return candidates[0]!;
  };
}
