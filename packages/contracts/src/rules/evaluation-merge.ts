// From what the cases of an evaluation found to the whole: means and digest, the same however the cases were divided among workers.
import type { EvaluationResults } from '../wire/evaluation-rows.ts';
import type { CaseResult, Measure } from '../wire/evaluations.ts';
import type { EvaluationSummary, MeanScore } from '../wire/results.ts';
import { resultsDigest } from './merge-results.ts';

/** What cases alone can tell of a summary; the rest is measured on the versions. */
export type MergedMeans = Omit<EvaluationSummary, 'delta_norm' | 'perplexity' | 'seconds'>;

export interface MergedCases {
  /** Of the edits among the cases. */
  readonly means: MergedMeans;
  readonly measured: number;
  readonly failed: number;
  readonly changed: number;
  readonly digest: string;
}

/**
 * Merges results that are in order of position. Sums run in that order, so that not even rounding depends on who found what. Means are
 * those of the end: of a protocol's last place.
 */
export function mergeCases(results: readonly CaseResult[]): MergedCases {
  const measured = results.filter(({ outcome }) => outcome === 'measured');
  const asked = atTheEnd(results).filter(({ kind }) => kind === 'edit');
  return {
    means: meansOf(asked, pooledMeans(asked)),
    measured: measured.length,
    failed: results.length - measured.length,
    changed: measured.filter(({ changed }) => changed).length,
    digest: resultsDigest(resultsOf(results)),
  };
}

/** The results of a protocol's last place. Where every batch is a place of its own, they are the last together. */
export function atTheEnd(results: readonly CaseResult[]): readonly CaseResult[] {
  const last = results.some(({ moment }) => moment === 'end') ? 'end' : 'once';
  return results.filter(({ moment }) => moment === last);
}

/** The results in the form that runs of protocols keep. A text whose perplexity was measured is rows and no case. */
export const resultsOf = (results: readonly CaseResult[]): EvaluationResults => ({
  cases: results
    .filter(({ kind, outcome }) => kind !== 'held_text' || outcome === 'failed')
    .map(({ moment, edits, case_id, outcome, error, prompt, target, answer_before, answer_after, regressions }) => ({
      ...{ moment, edits, case_id, outcome, error, prompt, target: target ?? '', answer_before, answer_after },
      ...(regressions.length > 0 && { regressions }),
    })),
  rows: results.flatMap(({ moment, edits, case_id, measures }) =>
    measures.map((measure) => ({ moment, edits, case_id, ...measure })),
  ),
});

interface Pooled {
  readonly value: number;
  readonly before: number | null;
  readonly probes: number;
}
type PooledMeans = Readonly<Record<string, Pooled>>;

/** The mean of every metric over probes, as the evaluation of a candidate takes it: a case counts as often as it has probes. */
function pooledMeans(results: readonly CaseResult[]): PooledMeans {
  const byMetric = new Map<string, Measure[]>();
  for (const measure of results.flatMap(({ measures }) => measures)) {
    const known = byMetric.get(measure.metric);
    if (known === undefined) byMetric.set(measure.metric, [measure]);
    else known.push(measure);
  }
  const means = [...byMetric].map(([metric, list]): [string, Pooled] => {
    const probes = list.reduce((sum, { count }) => sum + count, 0);
    const mean = (of: (measure: Measure) => number) =>
      list.reduce((sum, measure) => sum + of(measure) * measure.count, 0) / probes;
    const before = list.every((measure) => measure.before !== null) ? mean((measure) => measure.before ?? 0) : null;
    return [metric, { value: mean(({ value }) => value), before, probes }];
  });
  return Object.fromEntries(means.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const noScores: MeanScore = { token: 0, all: 0, exact: 0, count: 0 };

function meansOf(edits: readonly CaseResult[], metrics: PooledMeans): MergedMeans {
  const kinds = (stem: string) => [
    ...new Set(
      Object.keys(metrics).flatMap((metric) => new RegExp(`^${stem}\\.(\\w+)\\.token$`).exec(metric)?.[1] ?? []),
    ),
  ];
  const byKind = <T>(stem: string, of: (metric: string) => T | null): Record<string, T> =>
    Object.fromEntries(
      kinds(stem).flatMap((kind) => {
        const found = of(`${stem}.${kind}`);
        return found === null ? [] : [[kind, found]];
      }),
    );
  const score = (stem: string, of: 'value' | 'before'): MeanScore | null => {
    const [token, all, exact] = [metrics[`${stem}.token`], metrics[`${stem}.all`], metrics[`${stem}.exact`]];
    if (token === undefined) return null;
    return { token: token[of] ?? 0, all: all?.[of] ?? 0, exact: exact?.[of] ?? 0, count: token.probes };
  };
  const pair = (stem: string) => {
    const [before, after] = [score(stem, 'before'), score(stem, 'value')];
    return before === null || after === null ? null : { before, after };
  };
  const measured = edits.filter(({ outcome }) => outcome === 'measured').length;
  const made = edits.flatMap(({ edit }) => edit ?? []);
  return {
    edits: edits.length,
    applied: made.length === 0 ? measured : made.filter((edit) => edit === 'applied').length,
    already_holds: made.filter((edit) => edit === 'already_holds').length,
    measured,
    reliability: pair('reliability') ?? { before: noScores, after: noScores },
    generalization: pair('generalization'),
    locality: score('locality', 'value'),
    locality_by_kind: byKind('locality', (stem) => score(stem, 'value')),
    portability_by_kind: byKind('portability', pair),
  };
}
