// A gate over a later evaluation: what cases found, under the names that rules go by.
import type { CaseResult, EvaluationOutcome, Measure } from '../wire/evaluations.ts';
import { type GateMetric, gateMetrics } from '../wire/gate.ts';
import type { GateMeasurements, GateReading, GateValues } from './judge-gate.ts';

/** Which versions of the gate's the one that an evaluation compared with is. It may be both, and it may be neither. */
export interface EvaluatedAgainst {
  readonly parent: boolean;
  readonly base: boolean;
}

/** Names of a gate's own for metrics of the catalogue. */
const shortNames: Readonly<Partial<Record<GateMetric, GateMetric>>> = {
  'reliability.token': 'reliability',
  'reliability.exact': 'reliability_exact',
  'generalization.token': 'generalization',
  'generalization.exact': 'generalization_exact',
  'locality.token': 'locality',
  'locality.neighbourhood.token': 'locality_neighbourhood',
  'locality.other_relations.token': 'locality_other_relations',
};

/**
 * What an evaluation's cases say of the metrics of a gate. Agreement and change are against the version that it compared with: where
 * that is neither the parent nor the base of the branch, only what the version has by itself is left.
 */
export function measurementsOfCases(
  { metrics }: Pick<EvaluationOutcome, 'metrics'>,
  results: readonly CaseResult[],
  against: EvaluatedAgainst,
): GateMeasurements {
  const whole = Object.entries(metrics).map(([metric, { pooled, delta }]) => ({
    metric,
    value: pooled,
    change: delta?.value ?? null,
  }));
  return {
    values: valuesOf(whole, against),
    edits: results
      .filter(({ kind, outcome }) => kind === 'edit' && outcome === 'measured')
      .map(({ custom_id, measures }) => ({ custom_id, values: valuesOf(measures.map(changeOf), against) })),
  };
}

const changeOf = ({ metric, value, before }: Measure) => ({
  metric,
  value,
  change: before === null ? null : value - before,
});

interface Found {
  readonly metric: string;
  readonly value: number;
  /** Null for a comparison. */
  readonly change: number | null;
}

function valuesOf(found: readonly Found[], against: EvaluatedAgainst): GateValues {
  const values: Partial<Record<GateReading, number>> = {};
  for (const { metric, value, change } of found) {
    const known = gateMetrics.find((name) => name === metric);
    if (known === undefined) continue;
    for (const name of [known, shortNames[known]]) {
      if (name === undefined) continue;
      if (change !== null) values[name] = value;
      if (change === null && against.parent) values[name] = value;
      if (against.parent && change !== null) values[`${name}@parent`] = change;
      if (against.base) values[`${name}@base`] = change ?? value;
    }
  }
  return values;
}
