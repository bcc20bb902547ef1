// The normal distribution: what BCa intervals look up.

/**
 * The standard normal cumulative distribution, to about 1e-15 absolute: the series around 0 (Abramowitz and Stegun 26.2.10), the
 * continued fraction (26.2.14) in the tails.
 */
export function normalCumulative(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  const z = Math.abs(x);
  if (z > 38) return x < 0 ? 0 : 1;
  if (z < 3) {
    let [term, sum] = [x, x];
    for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    return 0.5 + density * sum;
  }
  let fraction = z;
  for (let k = 80; k >= 1; k--) fraction = z + k / fraction;
  return x < 0 ? density / fraction : 1 - density / fraction;
}

/** The inverse of {@link normalCumulative} by bisection; infinite at 0 and 1. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`no quantile at ${p}`);
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  let [low, high] = [-39, 39];
  for (let step = 0; step < 80; step++) {
    const middle = (low + high) / 2;
    if (normalCumulative(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
