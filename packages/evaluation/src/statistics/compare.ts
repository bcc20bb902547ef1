// Two runs compared case by case: what got worse comes first.
import { type EvaluationRow, metric } from '@errata/contracts';
import { type BootstrapOptions, bootstrapMean, type Estimate } from './bootstrap.ts';
import { groupRows, type RowGroup } from './places.ts';

/** A case that both runs measured. */
export interface CaseDifference {
  readonly case_id: string;
  readonly one: number;
  readonly other: number;
}

/** One metric at one place of a protocol in two runs. */
export interface Comparison extends Omit<RowGroup, 'rows'> {
  /** Cases that both runs measured: only they are compared. */
  readonly cases: number;
  readonly one: Estimate | null;
  readonly other: Estimate | null;
  /** Mean of `other - one`, case by case, in the metric's unit. */
  readonly difference: Estimate | null;
  /** Cases in which the other run is better, worse, and equal, in the metric's direction. */
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /** Cases in which the other run is worse, the worst first. */
  readonly regressions: readonly CaseDifference[];
  /** Cases in which it is better, the best first. */
  readonly improvements: readonly CaseDifference[];
  /** Cases that only one of the runs measured: no difference says anything of them. */
  readonly onlyInOne: readonly string[];
  readonly onlyInOther: readonly string[];
}

/**
 * Compares runs of one protocol. Rows meet by metric, version, place and case, so numbers under different versions of a metric
 * never do. Comparisons come ordered by how surely the other run is worse: those whose whole interval is on the worse side
 * first, then by the share of cases lost beyond those won.
 */
export function compareRuns(
  one: Iterable<EvaluationRow>,
  other: Iterable<EvaluationRow>,
  options: BootstrapOptions = {},
): readonly Comparison[] {
  const [first, second] = [groupRows(one), groupRows(other)];
  const keys = new Set([...first.keys(), ...second.keys()]);
  return [...keys]
    .map((key) => compareGroups(first.get(key), second.get(key), options))
    .sort((a, b) => worseFirst(a) - worseFirst(b));
}

function compareGroups(one: RowGroup | undefined, other: RowGroup | undefined, options: BootstrapOptions): Comparison {
  const { rows: _, ...place } = (other ?? one)!;
  const theirs = valuesByCase(one);
  const mine = valuesByCase(other);
  const shared = [...theirs].flatMap(([case_id, value]): CaseDifference[] => {
    const found = mine.get(case_id);
    return found === undefined ? [] : [{ case_id, one: value, other: found }];
  });
  const sign = directionOf(place.metric);
  const gain = (each: CaseDifference) => sign * (each.other - each.one);
  const regressions = shared.filter((each) => gain(each) < 0).sort((a, b) => gain(a) - gain(b));
  const improvements = shared.filter((each) => gain(each) > 0).sort((a, b) => gain(b) - gain(a));
  const estimate = (of: (each: CaseDifference) => number) =>
    shared.length === 0 ? null : bootstrapMean(shared.map(of), options);
  return {
    ...place,
    cases: shared.length,
    one: estimate((each) => each.one),
    other: estimate((each) => each.other),
    difference: estimate((each) => each.other - each.one),
    wins: improvements.length,
    losses: regressions.length,
    ties: shared.length - improvements.length - regressions.length,
    regressions,
    improvements,
    onlyInOne: [...theirs.keys()].filter((case_id) => !mine.has(case_id)),
    onlyInOther: [...mine.keys()].filter((case_id) => !theirs.has(case_id)),
  };
}

const valuesByCase = (group: RowGroup | undefined): ReadonlyMap<string, number> =>
  new Map((group?.rows ?? []).map(({ case_id, value }) => [case_id, value]));

const directionOf = (id: string): 1 | -1 => (metric(id).better === 'higher' ? 1 : -1);

/** Below -1 where the whole interval is on the worse side; within [-1, 1] otherwise. */
function worseFirst({ metric: id, difference, wins, losses, cases }: Comparison): number {
  const balance = cases === 0 ? 0 : (wins - losses) / cases;
  const ends = difference?.interval;
  if (!ends) return balance;
  const surelyWorse = directionOf(id) === 1 ? ends.high < 0 : ends.low > 0;
  return surelyWorse ? balance - 2 : balance;
}
