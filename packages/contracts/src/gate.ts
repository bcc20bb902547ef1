// Gates: the thresholds a candidate must meet before its branch moves, and the verdict on one.
import { z } from 'zod';

/**
 * What a gate can look at. The first group are means over a batch's probes, in [0, 1]; `delta_norm` is the largest relative
 * change of any matrix, ||delta||_F / ||W||_F; `perplexity_ratio` is perplexity on held text, candidate over parent.
 */
export const gateMetrics = [
  'reliability',
  'reliability_exact',
  'generalization',
  'generalization_exact',
  'locality',
  'locality_neighbourhood',
  'locality_other_relations',
  'delta_norm',
  'perplexity_ratio',
] as const;
export type GateMetric = (typeof gateMetrics)[number];

export const gateRuleSchema = z
  .strictObject({ metric: z.enum(gateMetrics), min: z.number().optional(), max: z.number().optional() })
  .refine((rule) => rule.min !== undefined || rule.max !== undefined, 'a rule needs min or max');
export type GateRule = z.output<typeof gateRuleSchema>;

export const gatePolicySchema = z.strictObject({ rules: z.array(gateRuleSchema).max(50) });
export type GatePolicy = z.output<typeof gatePolicySchema>;

/** A rule on a metric that a batch has no probes for does not apply; it is reported as such, not as passed. */
export const defaultGatePolicy: GatePolicy = {
  rules: [
    { metric: 'reliability', min: 0.7 },
    { metric: 'locality', min: 0.7 },
    { metric: 'perplexity_ratio', max: 1.5 },
  ],
};

export const gateFindingSchema = z.strictObject({
  metric: z.enum(gateMetrics),
  min: z.number().optional(),
  max: z.number().optional(),
  value: z.number().nullable(),
  outcome: z.enum(['passed', 'failed', 'not_applicable']),
});
export type GateFinding = z.output<typeof gateFindingSchema>;

export const gateVerdictSchema = z.strictObject({ passed: z.boolean(), findings: z.array(gateFindingSchema) });
export type GateVerdict = z.output<typeof gateVerdictSchema>;

/** Judges measured values by a policy. A value that is not finite fails every rule on it. */
export function judge(policy: GatePolicy, values: Partial<Record<GateMetric, number>>): GateVerdict {
  const findings = policy.rules.map((rule): GateFinding => {
    const value = values[rule.metric];
    if (value === undefined) return { ...rule, value: null, outcome: 'not_applicable' };
    const holds = Number.isFinite(value) && value >= (rule.min ?? -Infinity) && value <= (rule.max ?? Infinity);
    return { ...rule, value: Number.isFinite(value) ? value : null, outcome: holds ? 'passed' : 'failed' };
  });
  return { passed: findings.every(({ outcome }) => outcome !== 'failed'), findings };
}
