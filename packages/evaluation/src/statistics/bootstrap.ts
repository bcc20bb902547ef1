// Bootstrap intervals: how far a mean over cases could be from what it would be over other cases of the kind.
import { uniform } from '@errata/models';
import { mean } from '../metrics/means.ts';
import { normalCumulative, normalQuantile } from './normal.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A statistic with its interval; the interval is null where one case alone says nothing of others. */
export interface Estimate {
  readonly value: number;
  readonly interval: Interval | null;
}

export interface BootstrapOptions {
  /** Default 1000: the ends of a 95 % interval are then known to about a tenth of its width. */
  readonly resamples?: number;
  /** Default 0.95. */
  readonly confidence?: number;
  /** Default 0. Equal seeds give equal intervals, whatever else is computed before. */
  readonly seed?: number;
  /** `bca`, the default, corrects for bias and skew (Efron 1987); `percentile` takes the quantiles as they are. */
  readonly method?: 'bca' | 'percentile';
}

/** The interval of a mean over cases. @throws RangeError of no cases */
export function bootstrapMean(values: readonly number[], options: BootstrapOptions = {}): Estimate {
  const data = Float64Array.from(values);
  const value = mean(values);
  if (data.length < 2) return { value, interval: null };
  if (data.every((each) => each === data[0])) return { value, interval: { low: value, high: value } };
  const { resamples = 1000, seed = 0 } = options;
  const next = uniform(seed, 0);
  const found = Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let at = 0; at < data.length; at++) sum += data[Math.floor(next() * data.length)]!;
    return sum / data.length;
  });
  // Leaving one case out moves the mean by that case's own distance from it, times a constant that cancels.
  return { value, interval: intervalOf(found, value, acceleration(data.map((each) => value - each)), options) };
}

/** Efron 1987: the skewness of a statistic over samples that lack one case each, over 6. */
function acceleration(jackknife: Float64Array): number {
  const centre = mean([...jackknife]);
  let [squares, cubes] = [0, 0];
  for (const value of jackknife) {
    squares += (centre - value) ** 2;
    cubes += (centre - value) ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/**
 * The percentile interval of any statistic of cases, by drawing as many cases as there are with replacement, again and again.
 * @param count cases
 * @param statistic of the cases with these indices, each as often as it was drawn; draws in which it is not a number are left
 * out
 */
export function bootstrap(
  count: number,
  statistic: (indices: Uint32Array) => number,
  { resamples = 1000, seed = 0, ...options }: Omit<BootstrapOptions, 'method'> = {},
): Estimate {
  const value = statistic(Uint32Array.from({ length: count }, (_, index) => index));
  if (count < 2 || Number.isNaN(value)) return { value, interval: null };
  const next = uniform(seed, 0);
  const indices = new Uint32Array(count);
  const found: number[] = [];
  for (let draw = 0; draw < resamples; draw++) {
    for (let at = 0; at < count; at++) indices[at] = Math.floor(next() * count);
    const drawn = statistic(indices);
    if (!Number.isNaN(drawn)) found.push(drawn);
  }
  return { value, interval: intervalOf(found, value, 0, { ...options, method: 'percentile' }) };
}

/**
 * The interval from the statistic's values on resamples.
 * @param skew the acceleration of BCa
 */
function intervalOf(
  resampled: readonly number[],
  value: number,
  skew: number,
  { confidence = 0.95, method = 'bca' }: BootstrapOptions = {},
): Interval {
  const sorted = Float64Array.from(resampled).sort();
  const tail = (1 - confidence) / 2;
  if (method === 'percentile') return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
  // Resamples that give the very value count half on either side of it.
  let below = 0;
  for (const each of sorted) below += each < value ? 1 : each === value ? 0.5 : 0;
  const bias = normalQuantile(below / sorted.length);
  if (!Number.isFinite(bias)) return intervalOf(resampled, value, skew, { confidence, method: 'percentile' });
  const shifted = (p: number) => {
    const z = bias + normalQuantile(p);
    return quantile(sorted, normalCumulative(bias + z / (1 - skew * z)));
  };
  return { low: shifted(tail), high: shifted(1 - tail) };
}

/** Between the two nearest values, linearly. */
function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (at - Math.floor(at)) * (high - low);
}
