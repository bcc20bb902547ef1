// Runs held against each other, case by case: each against the first of its kind, and which one leads in a figure beyond chance.
import { canonicalJson, type EvaluationRow, metric as metricOf } from '@errata/contracts';
import { mean } from '../metrics/means.ts';
import { bootstrapMean, type Estimate } from '../statistics/bootstrap.ts';
import { type Comparison, compareRuns } from '../statistics/compare.ts';
import { groupRows, type RowGroup } from '../statistics/places.ts';
import { comparableRuns, lastPlace, type RunWithRows } from './runs.ts';

/** A comparison without its lists of cases, of which the worst remain. */
export type MetricDifference = Omit<Comparison, 'regressions' | 'improvements' | 'onlyInOne' | 'onlyInOther'> & {
  readonly worst: Comparison['regressions'];
};

/** One run against the first one of the same model, data and protocol, at the last place of both. */
export interface RunComparison {
  /** Positions in the report's runs. */
  readonly first: number;
  readonly other: number;
  /** What is surely worse comes first. */
  readonly metrics: readonly MetricDifference[];
}

/** A figure in which one run is better than the next best, the 95 % interval of the paired difference being on one side of 0. */
export interface Lead {
  readonly metric: string;
  readonly moment: RowGroup['moment'];
  readonly edits: number;
  /** Positions in the report's runs. */
  readonly run: number;
  readonly next: number;
  /** Of the leading run to the next best, in the metric's unit. */
  readonly difference: Estimate;
}

const worstShown = 3;

/** Metrics of which all others are parts or other readings. */
const compared =
  /^(?:(?:reliability|generalization|locality|portability)\.(?:token|exact)|(?:efficacy|paraphrase|neighbourhood|neighbourhood_own)\.score|ngram_entropy|reference_score|perplexity|accuracy\.exact|(?:multi_hop|ripple|ability)\..*)$/;

/** Each run against the first that was run by the same protocol. */
export function compareWithFirst(found: readonly RunWithRows[]): readonly RunComparison[] {
  const firsts = new Map<string, number>();
  return found.flatMap(({ run, rows }, other): RunComparison[] => {
    const { model, data, protocol, editor } = run.manifest;
    const last = lastPlace(run);
    if (editor === 'none' || last === undefined) return [];
    const kind = canonicalJson([model, data.digest, protocol]);
    const first = firsts.get(kind);
    if (first === undefined) {
      firsts.set(kind, other);
      return [];
    }
    const there = (each: EvaluationRow) =>
      compared.test(each.metric) &&
      each.moment === last.moment &&
      (each.moment === 'once' || each.edits === last.edits);
    const metrics = compareRuns(found[first]!.rows.filter(there), rows.filter(there))
      .filter(({ cases }) => cases > 0)
      .map(({ regressions, improvements: _, onlyInOne: __, onlyInOther: ___, ...each }) => ({
        ...each,
        worst: regressions.slice(0, worstShown),
      }));
    return metrics.length === 0 ? [] : [{ first, other, metrics }];
  });
}

/** All leads among runs that stand in one table. */
export function leadsAmong(found: readonly RunWithRows[]): readonly Lead[] {
  return comparableRuns(found.map(({ run }) => run)).flatMap((runs) => {
    const rivals = found.flatMap(({ run, rows }, at) =>
      runs.includes(run) && run.manifest.editor !== 'none' ? [{ at, groups: groupRows(rows) }] : [],
    );
    if (rivals.length < 2) return [];
    const keys = new Set(rivals.flatMap(({ groups }) => [...groups.keys()]));
    return [...keys].flatMap((key) =>
      leadOf(
        rivals.flatMap(({ at, groups }) => {
          const group = groups.get(key);
          return group === undefined ? [] : [{ at, group }];
        }),
      ),
    );
  });
}

function leadOf(rivals: readonly { readonly at: number; readonly group: RowGroup }[]): readonly Lead[] {
  const sign = metricOf(rivals[0]!.group.metric).better === 'higher' ? 1 : -1;
  const [best, next] = rivals
    .map(({ at, group }) => ({ at, group, mean: mean(group.rows.map(({ value }) => value)) }))
    .sort((a, b) => sign * (b.mean - a.mean));
  if (best === undefined || next === undefined || best.mean === next.mean) return [];
  const others = new Map(next.group.rows.map(({ case_id, value }) => [case_id, value]));
  const differences = best.group.rows.flatMap(({ case_id, value }) => {
    const other = others.get(case_id);
    return other === undefined ? [] : [value - other];
  });
  if (differences.length < 2) return [];
  const difference = bootstrapMean(differences);
  const { low, high } = difference.interval!;
  if (sign === 1 ? low <= 0 : high >= 0) return [];
  const { metric, moment, edits } = best.group;
  return [{ metric, moment, edits, run: best.at, next: next.at, difference }];
}
