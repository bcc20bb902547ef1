// What the catalogue says of a metric.

/** What a metric's numbers are in. A fraction is in [0, 1], a difference of probabilities in [-1, 1]. */
export const metricUnits = [
  'fraction',
  'probability difference',
  'ratio',
  'bits',
  'perplexity',
  'seconds',
  'tokens',
  'probes',
  'bytes',
  'standard deviations',
] as const;
export type MetricUnit = (typeof metricUnits)[number];

/** How a gate may bound a metric. */
export interface GateUse<Name extends string = string> {
  /**
   * `level`: what one version has by itself, bounded as it is or by how much it changed. `comparison`: of a candidate and another version.
   * `work`: of the work on each edit.
   */
  readonly as: 'level' | 'comparison' | 'work';
  /** `edits`: each edit has it by its own probes as well. `version`: none has it by itself. */
  readonly of: 'edits' | 'version';
  /** What a rule calls it; several names say the same. */
  readonly names: readonly Name[];
}

/** @typeParam Name what a gate's rules may call it */
export interface MetricDefinition<Name extends string = string> {
  /** Words of lower-case letters joined by dots; never reused for anything else. */
  readonly id: string;
  /** Goes up when the same answers would give another number. Numbers under different versions are not to be compared. */
  readonly version: number;
  readonly title: string;
  readonly unit: MetricUnit;
  readonly better: 'higher' | 'lower';
  /**
   * Where it is measured. `case`: a row for each case. `run`: one number, computed from a whole run. `candidate`: one number, measured
   * for a gate on what would move a branch.
   */
  readonly level: 'case' | 'run' | 'candidate';
  readonly definition: string;
  /** Paper and section, or the code, that the definition follows; what is different here is in the definition. */
  readonly source: string;
  /** Absent where no gate may. */
  readonly gate?: GateUse<Name>;
}

/** Metrics that are explained together. */
export interface MetricFamily<Name extends string = string> {
  readonly title: string;
  readonly about: string;
  readonly metrics: readonly MetricDefinition<Name>[];
}

/** The three ways to read an answer; locality compares with another model's answer instead of a target. */
export const readings = ['token', 'all', 'exact'] as const;
export type ReadingKind = (typeof readings)[number];

export const readingTitles: Readonly<Record<ReadingKind, string>> = {
  token: 'by token',
  all: 'all tokens',
  exact: 'free generation',
};

/** A family that knows the names under which gates know its metrics. */
export const family = <Name extends string = never>(fields: MetricFamily<Name>): MetricFamily<Name> => fields;

type Shared = Pick<MetricDefinition, 'title' | 'definition' | 'source'>;

/** One metric of cases in its three readings: `stem.token`, `stem.all`, `stem.exact`. */
export const inThreeReadings = (stem: string, { title, definition, source }: Shared): MetricDefinition<never>[] =>
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

/** The same where a gate may bound them, by these names and by shorter ones. */
export const boundedInThreeReadings = <Stem extends string, Short extends string = never>(
  stem: Stem,
  as: 'level' | 'comparison',
  shared: Shared,
  short: Readonly<Partial<Record<ReadingKind, Short>>> = {},
): MetricDefinition<`${Stem}.${ReadingKind}` | Short>[] =>
  inThreeReadings(stem, shared).map((definition, index) => {
    const reading = readings[index]!;
    const shorter = short[reading];
    const names = [...(shorter === undefined ? [] : [shorter]), `${stem}.${reading}` as const];
    return { ...definition, gate: { as, of: 'edits', names } };
  });
