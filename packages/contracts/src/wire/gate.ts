// Gates: what a candidate must meet before its branch moves, and the verdict on one.
import { z } from 'zod';
import { gateMetrics, gateUse } from '../metrics/catalogue.ts';
import { nearest } from '../text/nearest.ts';
import { textLimits } from './edits.ts';

export const gateReferences = ['absolute', 'parent', 'base'] as const;
export type GateReference = (typeof gateReferences)[number];

export const isLevelMetric = (metric: string): boolean => gateUse(metric)?.as === 'level';
export const isWorkMetric = (metric: string): boolean => gateUse(metric)?.as === 'work';

export const gateRuleSchema = z
  .strictObject({
    metric: z.enum(gateMetrics, {
      error: ({ input }) =>
        typeof input === 'string'
          ? `there is no metric ${JSON.stringify(input)}; near it are ${nearest(input, gateMetrics).join(', ')} (docs/gates.md has all)`
          : undefined,
    }),
    /**
     * For what a version has by itself: the value (`absolute`, the default), or its change since the parent or since the branch's
     * base, the version it began at. For comparisons: the version that the candidate is compared with, by default the parent.
     */
    against: z.enum(gateReferences).optional(),
    /** Every edit of the batch must meet the bounds by its own probes; a mean would let the good hide the bad. */
    each: z.boolean().optional(),
    min: z.number().optional(),
    max: z.number().optional(),
  })
  .superRefine(({ metric, against, each, min, max }, context) => {
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (min === undefined && max === undefined) complain('min', 'a rule needs min or max');
    if (min !== undefined && max !== undefined && min > max) complain('min', `min ${min} is above max ${max}`);
    if (against !== undefined && isWorkMetric(metric)) complain('against', `${metric} is held against nothing`);
    if (against === 'absolute' && !isLevelMetric(metric) && !isWorkMetric(metric))
      complain('against', `${metric} compares two versions: it is held against parent or base`);
    if (each === true && gateUse(metric)?.of === 'version') complain('each', `${metric} is not measured for each edit`);
  });
export type GateRule = z.output<typeof gateRuleSchema>;

/** A prompt whose answer must stay: as the parent gives it or, where `answer` is given, as it says. */
export const canarySchema = z.strictObject({
  prompt: z.string().min(1).max(textLimits.prompt),
  answer: z.string().min(1).max(textLimits.target).optional(),
  /** Other spellings of `answer`. */
  aliases: z.array(z.string().min(1).max(textLimits.target)).max(50).optional(),
});
export type Canary = z.output<typeof canarySchema>;

export const gateFailureChoices = ['refuse', 'bisect'] as const;

/** Candidates that a bisection tries at most, unless told otherwise. */
export const defaultBisectEvaluations = 64;

export const gatePolicySchema = z
  .strictObject({
    rules: z.array(gateRuleSchema).max(50),
    /** All must be kept, unless a rule on `canaries_kept` says otherwise. */
    canaries: z
      .array(canarySchema)
      .max(200)
      .superRefine((canaries, context) => {
        const seen = new Set<string>();
        for (const [index, { prompt }] of canaries.entries()) {
          if (seen.has(prompt))
            context.addIssue({ code: 'custom', path: [index, 'prompt'], message: 'a prompt is named twice' });
          seen.add(prompt);
        }
      })
      .optional(),
    /** Text whose perplexity is measured; the end of the model's own corpus when left out. */
    held_text: z.string().min(1).max(200_000).optional(),
    /** What the text for `ngram_entropy` is generated from; the batch's own prompts when left out. */
    sample_prompts: z.array(z.string().min(1).max(textLimits.prompt)).min(1).max(64).optional(),
    /** `refuse` (the default) the whole batch, or `bisect` it: apply the edits that pass together, return the others with reasons. */
    on_failure: z.enum(gateFailureChoices).optional(),
    /** Candidates that a bisection tries at most; what was not settled by then is returned. */
    bisect_evaluations: z.int().min(1).max(10_000).optional(),
  })
  .meta({ id: 'GatePolicy' });
export type GatePolicy = z.output<typeof gatePolicySchema>;

/** A part of a stored gate that this build does not understand: what it is, by its metric or field, and why. */
export const notUnderstoodSchema = z.strictObject({ name: z.string(), why: z.string() });
/** A gate as it is shown: what this build understands of it, and the rest by name. */
export const storedGateSchema = gatePolicySchema.extend({ not_understood: z.array(notUnderstoodSchema).optional() });
export type StoredGate = z.output<typeof storedGateSchema>;

/** A rule on a metric that a batch has no probes for does not apply; it is reported as such, not as passed. */
export const defaultGatePolicy: GatePolicy = {
  rules: [
    { metric: 'reliability', min: 0.7 },
    { metric: 'locality', min: 0.7 },
    { metric: 'perplexity_ratio', max: 1.5 },
    { metric: 'edit_norm_z', max: 8 },
  ],
};

export const canaryResultSchema = z.strictObject({
  prompt: z.string(),
  expected: z.string(),
  answer: z.string(),
  kept: z.boolean(),
});
export type CanaryResult = z.output<typeof canaryResultSchema>;

export const gateFindingSchema = z.strictObject({
  /** One of `gateMetrics`; another where another build found it, or where this one could not judge. */
  metric: z.string(),
  against: z.enum(gateReferences).optional(),
  each: z.boolean().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  /** With `each`, the worst edit's. */
  value: z.number().nullable(),
  outcome: z.enum(['passed', 'failed', 'not_applicable']),
  /** Why it could not be judged, where that is so: it failed then. */
  reason: z.string().optional(),
  /** Edits that fail by themselves, where the metric tells them apart. */
  custom_ids: z.array(z.string()).optional(),
});
export type GateFinding = z.output<typeof gateFindingSchema>;

export const gateVerdictSchema = z
  .strictObject({
    passed: z.boolean(),
    findings: z.array(gateFindingSchema),
    canaries: z.array(canaryResultSchema).optional(),
    /** The branch's policy by which was judged, by its number; absent where a job brought a gate of its own. */
    policy_revision: z.int().optional(),
  })
  .meta({ id: 'GateVerdict' });
export type GateVerdict = z.output<typeof gateVerdictSchema>;
