// Whether a second moment was taken over tokens enough: what keys that it has not seen are to it.
import { GraphError, matrix, multiply, solvePositive } from '@errata/graph';
import { captureName, type Model } from '@errata/models';
import type { SecondMoment } from './second-moment.ts';

/** How far the leverages k^T C^-1 k of a second moment have settled. */
export interface Convergence {
  /**
   * Mean leverage of keys of the text's end under the C of all that precedes them, over their leverage under the whole C. It falls to 1
   * as tokens are added; what stands above it is what C has learnt of these keys by heart, and what a solve with it gives edits too much.
   */
  readonly unseen_leverage: number;
  /**
   * Tokens with which it would be about {@link settled}: what stands above 1 goes down as tokens go up. On the shipped model, of 768
   * elements a key, it was 1.27 at 8,000 tokens, 1.14 at 16,000 and 1.06 at 32,000, and 22,000 tokens, 22,000 and 18,000 were foretold;
   * at 4,000, 1.91 and 37,000.
   */
  readonly enough_tokens: number;
}

/** An edit gets a share h / (lambda + h) of what it asks for: a tenth more leverage is at most a fortieth more of that. */
const settled = 1.1;

/** The last windows of a text that make up a tenth of its tokens at most, as far as they are at hand, but one at least. */
export function lastTenth(recent: readonly Int32Array[], tokens: number): readonly Int32Array[] {
  let held = 0;
  const from = recent.findLastIndex((window) => {
    held += window.length;
    return held > tokens / 10;
  });
  return recent.slice(Math.min(from + 1, recent.length - 1));
}

/**
 * Of each second moment, by the windows that were the last to be added to it. With A = n C, K their m keys and M = K^T A^-1 K, the
 * leverage under what is left without them is (n - m) times the diagonal of M (I - M)^-1, by Woodbury: nothing is inverted again.
 * @returns null where what is left without them is too little to be inverted
 */
export async function convergenceOf(
  model: Model,
  windows: readonly Int32Array[],
  moments: readonly SecondMoment[],
): Promise<readonly (Convergence | null)[]> {
  const sites = moments.map(({ provenance: { layer } }) => ({ site: 'mlp_key' as const, layer }));
  const recorded = await model.view().activations(
    windows.map((window) => Array.from(window)),
    sites,
    'all',
  );
  const found: (Convergence | null)[] = [];
  for (const [i, moment] of moments.entries()) {
    const data = Float64Array.from(recorded.get(captureName(sites[i]!))!);
    found.push(await unseen(moment, matrix(data.length / moment.size, moment.size, data)));
  }
  return found;
}

async function unseen(
  { size, inverse, provenance: { tokens } }: SecondMoment,
  keys: ReturnType<typeof matrix>,
): Promise<Convergence | null> {
  const held = keys.rows;
  if (tokens - held < size) return null;
  const seen = await multiply(await multiply(keys, matrix(size, size, inverse)), keys, { transB: true });
  for (let i = 0; i < seen.data.length; i++) seen.data[i]! /= tokens;
  const left = matrix(
    held,
    held,
    seen.data.map((x) => -x),
  );
  for (let i = 0; i < held; i++) left.data[i * held + i]! += 1;
  try {
    const without = await solvePositive(left, seen);
    const unseen_leverage = ((tokens - held) * trace(without)) / (tokens * trace(seen));
    const above = Math.max(0, unseen_leverage - 1);
    return { unseen_leverage, enough_tokens: Math.ceil((above * tokens) / (settled - 1)) };
  } catch (error) {
    if (error instanceof GraphError && error.code === 'not_positive_definite') return null;
    throw error;
  }
}

function trace({ rows, data }: ReturnType<typeof matrix>): number {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += data[i * rows + i]!;
  return sum;
}
