// Outliers among the norms of edits: how unusual one is beside those that came before it.

/** With fewer earlier edits than this nothing can be said about what is usual. */
const leastHistory = 8;

/**
 * Norms are ratios, so they are compared by their logarithm. Earlier edits that happen to be alike must not make every other one
 * an outlier: their spread counts as no less than this (natural logarithm), so that a z of 6 is at least six times the median.
 */
const leastSpread = 0.3;

/**
 * Robust z-score of a norm among earlier ones: (ln x - median) / (1.4826 MAD), of their logarithms. `undefined` with too few of
 * them. Median and MAD hold still when the history itself holds outliers, a mean and a standard deviation would follow them.
 */
export function robustZ(norm: number, earlier: readonly number[]): number | undefined {
  const logs = earlier.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log);
  if (logs.length < leastHistory || !(norm > 0)) return undefined;
  const middle = median(logs);
  const spread = 1.4826 * median(logs.map((value) => Math.abs(value - middle)));
  return (Math.log(norm) - middle) / Math.max(spread, leastSpread);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
