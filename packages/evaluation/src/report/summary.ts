// A run in numbers: means by place and metric, what failed, what it cost.
import { type EvaluationCase, type EvaluationRow, type Moment, mergeResults, resultsDigest } from '@errata/contracts';
import { type RunManifest, readLines, readManifest, runDigest, type UnitCost } from '../protocols/run-directory.ts';

/** The mean of a metric over cases. */
export interface MetricMean {
  readonly value: number;
  /** Of the parent; null where the metric is itself a comparison. */
  readonly before: number | null;
  readonly cases: number;
}

/** What was found with a number of edits in the model. */
export interface PlaceSummary {
  readonly moment: Moment;
  readonly edits: number;
  readonly cases: number;
  readonly failed: number;
  readonly metrics: Readonly<Record<string, MetricMean>>;
}

export interface RunSummary {
  readonly run: string;
  readonly manifest: RunManifest;
  /** Of all rows: equal for equal results, however often the run was stopped. */
  readonly results: string;
  readonly places: readonly PlaceSummary[];
  readonly failures: readonly EvaluationCase[];
  readonly cost: UnitCost;
}

/** Sums a run up. Means are over the cases that could be asked about; those that could not are counted as failed. */
export async function summariseRun(directory: string): Promise<RunSummary> {
  const manifest = await readManifest(directory);
  if (manifest === undefined) throw new RangeError(`${directory} holds no run`);
  const cases: EvaluationCase[] = [];
  const rows: EvaluationRow[] = [];
  const cost = { edits: 0, edit_seconds: 0, evaluate_seconds: 0, bytes: 0, peak_bytes: 0 };
  for await (const line of readLines(directory)) {
    if ('case' in line) cases.push(line.case);
    else if ('row' in line) rows.push(line.row);
    else {
      for (const key of ['edits', 'edit_seconds', 'evaluate_seconds', 'bytes'] as const)
        cost[key] += line.unit.cost[key];
      cost.peak_bytes = Math.max(cost.peak_bytes, line.unit.cost.peak_bytes);
    }
  }
  const results = mergeResults([{ cases, rows }]);
  return {
    run: runDigest(manifest),
    manifest,
    results: resultsDigest(results),
    places: summarisePlaces(cases, rows),
    failures: cases.filter(({ outcome }) => outcome === 'failed'),
    cost,
  };
}

function summarisePlaces(cases: readonly EvaluationCase[], rows: readonly EvaluationRow[]): readonly PlaceSummary[] {
  const places = new Map<
    string,
    { moment: Moment; edits: number; cases: number; failed: number; rows: Map<string, EvaluationRow[]> }
  >();
  const placeOf = ({ moment, edits }: { moment: Moment; edits: number }) => {
    // Right after each edit there are as many places as edits; their mean is one figure.
    const at = moment === 'once' ? -1 : edits;
    const key = `${moment} ${at}`;
    const place = places.get(key) ?? { moment, edits, cases: 0, failed: 0, rows: new Map() };
    place.edits = Math.max(place.edits, edits);
    places.set(key, place);
    return place;
  };
  for (const each of cases) {
    const place = placeOf(each);
    place.cases++;
    if (each.outcome === 'failed') place.failed++;
  }
  for (const row of rows) {
    const group = placeOf(row).rows;
    group.set(row.metric, [...(group.get(row.metric) ?? []), row]);
  }
  return [...places.values()].map(({ rows: groups, ...place }) => ({
    ...place,
    metrics: Object.fromEntries([...groups].map(([metric, group]) => [metric, meanOf(group)])),
  }));
}

function meanOf(rows: readonly EvaluationRow[]): MetricMean {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const before = rows.flatMap((row) => (row.before === null ? [] : [row.before]));
  return {
    value: mean(rows.map(({ value }) => value)),
    before: before.length === 0 ? null : mean(before),
    cases: rows.length,
  };
}
