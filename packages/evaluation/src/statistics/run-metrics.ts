// Metrics of a whole run, computed from its rows: ROME's score, and what a stream of edits keeps.
import { type EvaluationRow, type Moment, metric, type ReadingKind, readings } from '@errata/contracts';
import { harmonicMean } from '../metrics/means.ts';
import { type BootstrapOptions, bootstrap, bootstrapMean, type Estimate } from './bootstrap.ts';
import { groupRows, type RowGroup } from './places.ts';

/** A metric of a run. */
export interface RunMetric {
  readonly metric: string;
  readonly version: number;
  readonly moment: Moment;
  readonly edits: number;
  readonly value: Estimate;
}

/** All metrics of the level `run` for which a run has rows. Costs are measured, not computed from rows, and are not among them. */
export function runMetrics(rows: Iterable<EvaluationRow>, options: BootstrapOptions = {}): readonly RunMetric[] {
  const groups = [...groupRows(rows).values()];
  // Edits are a stream where they were tested one after another and then once more; elsewhere nothing is kept or forgotten.
  const isStream = (['once', 'end'] as const).every((moment) => groups.some((group) => group.moment === moment));
  return [
    ...romeScores(groups, options),
    ...(isStream ? readings.flatMap((reading) => streamMetrics(groups, reading, options)) : []),
  ];
}

const romeParts = ['efficacy.score', 'paraphrase.score', 'neighbourhood.score'];

/** S at every place that has all its parts. Cases are drawn whole: one case's three scores belong together. */
function romeScores(groups: readonly RowGroup[], options: BootstrapOptions): readonly RunMetric[] {
  return groups
    .filter((group) => group.metric === romeParts[0])
    .flatMap((first) => {
      const parts = romeParts.map((id) =>
        groups.find((group) => group.metric === id && group.moment === first.moment && group.edits === first.edits),
      );
      if (parts.some((part) => part === undefined)) return [];
      const values = parts.map((part) => new Map(part!.rows.map(({ case_id, value }) => [case_id, value])));
      const cases = [...new Set(values.flatMap((part) => [...part.keys()]))].sort();
      const columns = values.map((part) => Float64Array.from(cases, (case_id) => part.get(case_id) ?? Number.NaN));
      const score = (indices: Uint32Array) => {
        const means = columns.map((column) => meanOfKnown(column, indices));
        return means.some(Number.isNaN) ? Number.NaN : harmonicMean(means);
      };
      return [described('rome_score', first, bootstrap(cases.length, score, options))];
    });
}

function streamMetrics(
  groups: readonly RowGroup[],
  reading: ReadingKind,
  options: BootstrapOptions,
): readonly RunMetric[] {
  const at = (stem: string, moment: Moment) =>
    groups.filter((group) => group.metric === `${stem}.${reading}` && group.moment === moment);
  // The end of a stream is where the most edits are.
  const last = (found: readonly RowGroup[]) => found.toSorted((a, b) => a.edits - b.edits).at(-1);
  const average = (id: string, group: RowGroup | undefined, rows = group?.rows ?? []) =>
    group === undefined || rows.length === 0
      ? []
      : [
          described(
            `stream.${id}.${reading}`,
            group,
            bootstrapMean(
              rows.map(({ value }) => value),
              options,
            ),
          ),
        ];
  const test = last(at('accuracy', 'end'));
  return [
    ...average('success', last(at('reliability', 'once'))),
    ...average('generalization', last(at('generalization', 'once'))),
    ...average('retention', last(at('reliability', 'end'))),
    ...average('test_retention', test),
    ...ratioToBefore(`stream.test_ratio.${reading}`, test, options),
    ...average(
      'accurate_retention',
      test,
      test?.rows.filter(({ before }) => before === 1),
    ),
  ];
}

function ratioToBefore(id: string, group: RowGroup | undefined, options: BootstrapOptions): readonly RunMetric[] {
  const known = (group?.rows ?? []).filter(({ before }) => before !== null);
  const [after, before] = [
    Float64Array.from(known, (row) => row.value),
    Float64Array.from(known, (row) => row.before!),
  ];
  const ratio = (indices: Uint32Array) => {
    const denominator = meanOfKnown(before, indices);
    return denominator === 0 ? Number.NaN : meanOfKnown(after, indices) / denominator;
  };
  const value = bootstrap(known.length, ratio, options);
  return group === undefined || Number.isNaN(value.value) ? [] : [described(id, group, value)];
}

function meanOfKnown(column: Float64Array, indices: Uint32Array): number {
  let [sum, count] = [0, 0];
  for (const index of indices) {
    const value = column[index]!;
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return count === 0 ? Number.NaN : sum / count;
}

const described = (id: string, { moment, edits }: RowGroup, value: Estimate): RunMetric => ({
  metric: id,
  version: metric(id).version,
  moment,
  edits,
  value,
});
