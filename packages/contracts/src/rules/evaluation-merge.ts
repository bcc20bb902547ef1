// From what the cases of an evaluation found to the whole: means and digest, the same however the cases were divided among workers.
import { readings } from '../metrics/definition.ts';
import type { EvaluationResults } from '../wire/evaluation-rows.ts';
import type { CaseResult } from '../wire/evaluations.ts';
import type { EvaluationSummary, MeanScore } from '../wire/results.ts';
import { pooledFigures } from './figures.ts';
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
    means: meansOf(asked),
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

const noScores: MeanScore = { token: 0, all: 0, exact: 0, count: 0 };

function meansOf(edits: readonly CaseResult[]): MergedMeans {
  const figures = pooledFigures(edits.flatMap(({ measures }) => measures));
  const metrics = new Map(figures.map((figure) => [figure.metric, figure]));
  const kinds = (stem: string) => [
    ...new Set(figures.flatMap(({ metric }) => new RegExp(`^${stem}\\.(\\w+)\\.token$`).exec(metric)?.[1] ?? [])),
  ];
  const byKind = <T>(stem: string, of: (metric: string) => T | null): Record<string, T> =>
    Object.fromEntries(
      kinds(stem).flatMap((kind) => {
        const found = of(`${stem}.${kind}`);
        return found === null ? [] : [[kind, found]];
      }),
    );
  const score = (stem: string, of: 'value' | 'before'): MeanScore | null => {
    const [token, all, exact] = readings.map((reading) => metrics.get(`${stem}.${reading}`));
    if (token === undefined) return null;
    return { token: token[of] ?? 0, all: all?.[of] ?? 0, exact: exact?.[of] ?? 0, count: token.count };
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
