// From an edit's scores to its measurements: a name of the catalogue, a number, the same number of the parent.
import { type EvaluationRow, type MeanScore, metric, readings, type Score } from '@errata/contracts';
import type { RivalRole } from '../asking/questions.ts';
import { mean, meanScore } from '../metrics/means.ts';
import { type Preference, preference } from '../metrics/probability.ts';

/** One metric of one case, without its place in a protocol. */
export type Measurement = Pick<EvaluationRow, 'metric' | 'value' | 'before' | 'count'>;

/** One question's score on the parent and on the candidate. */
export interface Pair<T = Score> {
  readonly before: T;
  readonly after: T;
}

/** All scores of one edit, question by question. */
export interface EditScores {
  readonly reliability: Pair;
  readonly generalization: readonly Pair[];
  readonly locality: ReadonlyMap<string, readonly Score[]>;
  /** Agreement with the imported model; undefined where it was not asked. */
  readonly localityBase: ReadonlyMap<string, readonly Score[]> | undefined;
  readonly portability: ReadonlyMap<string, readonly Pair[]>;
  readonly rivals: RivalScores | undefined;
}

/** Rival answers weighed, and how many neighbours could not be. */
export interface RivalScores {
  readonly weighed: Readonly<Record<RivalRole, readonly Pair<Preference>[]>>;
  readonly skipped: number;
}

/** A measurement with its metric's version, at a place in a protocol. @throws RangeError for a metric unknown to the catalogue */
export const rowOf = (
  measurement: Measurement,
  place: Pick<EvaluationRow, 'case_id' | 'moment' | 'edits'>,
): EvaluationRow => ({ ...place, ...measurement, version: metric(measurement.metric).version });

/** The measurements of one edit: those for which it has no probes are absent. */
export function measurementsOf(scores: EditScores): readonly Measurement[] {
  return [
    ...changes('reliability', [scores.reliability]),
    ...changes('generalization', scores.generalization),
    ...changes('portability', [...scores.portability.values()].flat()),
    ...[...scores.portability].flatMap(([kind, pairs]) => changes(`portability.${kind}`, pairs)),
    ...agreements('locality', scores.locality),
    ...(scores.localityBase === undefined ? [] : agreements('locality_base', scores.localityBase)),
    ...(scores.rivals === undefined ? [] : rivals(scores.rivals)),
  ];
}

function rivals({ weighed, skipped }: RivalScores): readonly Measurement[] {
  const weighings = Object.entries(weighed).flatMap(([role, pairs]) => preferences(role, pairs));
  if (skipped === 0) return weighings;
  const count = skipped + weighed.neighbourhood.length;
  return [...weighings, { metric: 'neighbourhood.skipped', value: skipped, before: null, count }];
}

function changes(stem: string, pairs: readonly Pair[]): readonly Measurement[] {
  const after = meanScore(pairs.map((pair) => pair.after));
  return after === null ? [] : inReadings(stem, after, meanScore(pairs.map((pair) => pair.before)));
}

const agreements = (stem: string, kinds: ReadonlyMap<string, readonly Score[]>): readonly Measurement[] =>
  [[stem, [...kinds.values()].flat()] as const, ...[...kinds].map(([kind, list]) => [`${stem}.${kind}`, list] as const)]
    .map(([name, list]) => [name, meanScore(list)] as const)
    .flatMap(([name, agreement]) => (agreement === null ? [] : inReadings(name, agreement, null)));

const inReadings = (stem: string, after: MeanScore, before: MeanScore | null): readonly Measurement[] =>
  readings.map((reading) => ({
    metric: `${stem}.${reading}`,
    value: after[reading],
    before: before?.[reading] ?? null,
    count: after.count,
  }));

function preferences(role: string, pairs: readonly Pair<Preference>[]): readonly Measurement[] {
  if (pairs.length === 0) return [];
  return (['score', 'magnitude'] as const).map((part) => ({
    metric: `${role}.${part}`,
    value: mean(pairs.map(({ after }) => after[part])),
    before: mean(pairs.map(({ before }) => before[part])),
    count: pairs.length,
  }));
}

/** Score of two rival answers from how improbable a model finds each. */
export const weigh = (wanted: { readonly negativeLogProb: number }, unwanted: { readonly negativeLogProb: number }) =>
  preference({ wanted: wanted.negativeLogProb, unwanted: unwanted.negativeLogProb });
