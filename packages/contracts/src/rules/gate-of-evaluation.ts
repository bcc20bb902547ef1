// A gate over a later evaluation: what its cases found, under the names that rules go by.
import type { CaseResult } from '../wire/evaluations.ts';
import type { EvaluationSummary } from '../wire/results.ts';
import { atTheEnd } from './evaluation-merge.ts';
import {
  type ComparedWith,
  type Figure,
  figuresOfVersions,
  type GateValues,
  gateValues,
  pooledFigures,
} from './figures.ts';
import type { GateMeasurements } from './judge-gate.ts';

/** What an evaluation's cases say of the metrics of a gate, at the end of its protocol. */
export function measurementsOfCases(results: readonly CaseResult[], against: ComparedWith): GateMeasurements {
  return {
    values: gateValues(figuresOfCases(results), against),
    edits: atTheEnd(results)
      .filter(({ kind, outcome }) => kind === 'edit' && outcome === 'measured')
      .map(({ custom_id, measures }) => ({ custom_id, values: gateValues(measures, against) })),
  };
}

/** What a gate would look at in an evaluation, were the version compared with the parent. */
export const gateValuesOf = (
  results: readonly CaseResult[],
  summary: Pick<EvaluationSummary, 'delta_norm' | 'perplexity'>,
): GateValues => gateValues([...figuresOfCases(results), ...figuresOfVersions(summary)], { parent: true, base: false });

const figuresOfCases = (results: readonly CaseResult[]): readonly Figure[] =>
  pooledFigures(atTheEnd(results).flatMap(({ measures }) => measures));
