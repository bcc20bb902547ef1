// From an evaluation's summary to the values a gate looks at.
import type { EvaluationSummary, GateMetric } from '@errata/contracts';

/**
 * The gate's metrics that a summary has. What was not measured is absent, so that a rule on it is reported as not applicable
 * instead of passing or failing on a made-up number.
 */
export function gateValues(summary: EvaluationSummary): Partial<Record<GateMetric, number>> {
  const { generalization, locality, locality_by_kind: kinds, perplexity } = summary;
  const reliability = summary.reliability.after.count > 0 ? summary.reliability.after : undefined;
  const measured: Record<GateMetric, number | undefined> = {
    reliability: reliability?.token,
    reliability_exact: reliability?.exact,
    generalization: generalization?.after.token,
    generalization_exact: generalization?.after.exact,
    locality: locality?.token,
    locality_neighbourhood: kinds.neighbourhood?.token,
    locality_other_relations: kinds.other_relations?.token,
    delta_norm: summary.delta_norm ?? undefined,
    perplexity_ratio: perplexity === null ? undefined : perplexity.candidate / perplexity.parent,
  };
  return Object.fromEntries(Object.entries(measured).filter(([, value]) => value !== undefined));
}
