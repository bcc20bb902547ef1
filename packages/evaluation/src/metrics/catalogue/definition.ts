// What the catalogue says of a metric.

/** What a metric's numbers are in. A fraction is in [0, 1], a difference of probabilities in [-1, 1]. */
export const units = [
  'fraction',
  'probability difference',
  'ratio',
  'bits',
  'perplexity',
  'seconds',
  'tokens',
  'probes',
  'bytes',
] as const;
export type MetricUnit = (typeof units)[number];

export interface MetricDefinition {
  /** Words of lower-case letters joined by dots; never reused for anything else. */
  readonly id: string;
  /** Goes up when the same answers would give another number. Numbers under different versions are not to be compared. */
  readonly version: number;
  readonly title: string;
  readonly unit: MetricUnit;
  readonly better: 'higher' | 'lower';
  /** `case`: a row for each case. `run`: one number, computed from a whole run. */
  readonly level: 'case' | 'run';
  readonly definition: string;
  /** Paper and section, or the code, that the definition follows; what is different here is in the definition. */
  readonly source: string;
}

/** Metrics that are explained together. */
export interface MetricFamily {
  readonly title: string;
  readonly about: string;
  readonly metrics: readonly MetricDefinition[];
}

/** The three ways to read an answer; locality compares with another model's answer instead of a target. */
export const readings = ['token', 'all', 'exact'] as const;
export type ReadingKind = (typeof readings)[number];

export const readingTitles: Readonly<Record<ReadingKind, string>> = {
  token: 'by token',
  all: 'all tokens',
  exact: 'free generation',
};

type Shared = Pick<MetricDefinition, 'title' | 'definition' | 'source'>;

/** One metric of cases in its three readings: `stem.token`, `stem.all`, `stem.exact`. */
export const inThreeReadings = (stem: string, { title, definition, source }: Shared): MetricDefinition[] =>
  readings.map((reading) => ({
    id: `${stem}.${reading}`,
    version: 1,
    title: `${title}, ${readingTitles[reading]}`,
    unit: 'fraction',
    better: 'higher',
    level: 'case',
    definition,
    source,
  }));
