// Means: of scores over probes, and the harmonic mean of ROME's three.
import type { MeanScore, Score } from '@errata/contracts';

/** Arithmetic mean. @throws RangeError of nothing: a mean over nothing is not 0 */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('a mean needs at least one value');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean of scores with their number; `null` of none, since a mean over nothing is not 0. */
export function meanScore(scores: readonly Score[]): MeanScore | null {
  if (scores.length === 0) return null;
  const of = (key: keyof Score) => mean(scores.map((score) => score[key]));
  return { token: of('token'), all: of('all'), exact: of('exact'), count: scores.length };
}

/**
 * Harmonic mean of values in [0, 1]: 0 as soon as one of them is, so that no score can be bought with another.
 * @throws RangeError of nothing or of a negative value
 */
export function harmonicMean(values: readonly number[]): number {
  if (values.some((value) => !(value >= 0))) throw new RangeError(`no harmonic mean of ${values.join(', ')}`);
  if (values.includes(0)) return 0;
  return 1 / mean(values.map((value) => 1 / value));
}
