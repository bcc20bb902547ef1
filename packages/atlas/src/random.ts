// Seeded random numbers: the same seed and name give the same draws on every machine.

/** A source of reproducible draws. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, n). */
  below(n: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** `count` distinct items in random order; fewer if there are fewer. */
  sample<T>(items: readonly T[], count: number): T[];
  /** An index drawn in proportion to its weight. */
  weighted(weights: readonly number[]): number;
}

/** 32-bit hash of a text (FNV-1a with a final mix), to derive streams by name. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A stream of its own for every list of names and numbers (sfc32, warmed up). */
export function seeded(...key: readonly (string | number)[]): Random {
  const name = key.join('\u0000');
  let a = hashText(`a${name}`);
  let b = hashText(`b${name}`);
  let c = hashText(`c${name}`);
  let counter = 1;
  const draw = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) draw();
  const next = () => draw() / 0x1_0000_0000;
  const below = (n: number) => Math.floor(next() * n);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick(items) {
      if (items.length === 0) throw new RangeError('cannot pick from an empty list');
      return items[below(items.length)]!;
    },
    sample(items, count) {
      const pool = items.slice();
      const taken = Math.min(count, pool.length);
      for (let i = 0; i < taken; i++) {
        const j = i + below(pool.length - i);
        [pool[i], pool[j]] = [pool[j]!, pool[i]!];
      }
      return pool.slice(0, taken);
    },
    weighted(weights) {
      let rest = next() * weights.reduce((sum, weight) => sum + weight, 0);
      for (const [index, weight] of weights.entries()) {
        rest -= weight;
        if (rest < 0) return index;
      }
      return weights.length - 1;
    },
  };
}
