// How fast something grows: the line of least squares through its samples, with how sure it is, and what follows for a day.

export interface Sample {
  readonly hours: number;
  readonly value: number;
}

export interface Slope {
  readonly mean: number;
  readonly perHour: number;
  /** Of `perHour`, as if samples knew nothing of one another; they do, so that it is rather larger. */
  readonly standardError: number;
}

/** Null for fewer than three samples, which say nothing of how sure a line is. */
export function slopeOf(samples: readonly Sample[]): Slope | null {
  const n = samples.length;
  if (n < 3) return null;
  const sum = (of: (sample: Sample) => number) => samples.reduce((total, sample) => total + of(sample), 0);
  const [hours, mean] = [sum((sample) => sample.hours) / n, sum((sample) => sample.value) / n];
  const spread = sum((sample) => (sample.hours - hours) ** 2);
  const perHour = sum((sample) => (sample.hours - hours) * (sample.value - mean)) / spread;
  const missed = sum((sample) => (sample.value - mean - perHour * (sample.hours - hours)) ** 2);
  return { mean, perHour, standardError: Math.sqrt(missed / (n - 2) / spread) };
}

/** What a day may add to the mean. */
const shareOfMean = 0.1;

/**
 * `flat`: a day adds less than a tenth, even at a slope two standard errors steeper; `grows`: more, even at one that much gentler;
 * `unsure`: these samples do not tell, and a longer run would.
 */
export function verdictOf({ mean, perHour, standardError }: Slope): 'flat' | 'grows' | 'unsure' {
  const allowed = shareOfMean * mean;
  if (24 * (perHour + 2 * standardError) <= allowed) return 'flat';
  return 24 * (perHour - 2 * standardError) > allowed ? 'grows' : 'unsure';
}
