// Gates: what a candidate must meet before its branch moves, and the verdict on one.
import { z } from 'zod';
import { nearest } from '../text/nearest.ts';
import { localityKinds, portabilityKinds, textLimits } from './edits.ts';

const inReadings = <Stem extends string>(stems: readonly Stem[]) =>
  stems.flatMap((stem) => [`${stem}.token`, `${stem}.all`, `${stem}.exact`] as const);

/**
 * Metrics that one version has by itself, so that they can be bounded as they are or by how much they changed. Scores are means
 * over a batch's probes, in [0, 1]; `perplexity` is that of held text; `ngram_entropy` is that of generated text, in bits. Names with
 * a dot are those of the catalogue of metrics; `reliability` and `generalization` alone are read by token.
 */
export const levelMetrics = [
  'reliability',
  'reliability_exact',
  'generalization',
  'generalization_exact',
  'perplexity',
  'ngram_entropy',
  ...inReadings(['reliability', 'generalization', 'portability', 'accuracy']),
  ...inReadings(portabilityKinds.map((kind) => `portability.${kind}` as const)),
  ...(['efficacy', 'paraphrase', 'neighbourhood', 'neighbourhood_own'] as const).flatMap(
    (role) => [`${role}.score`, `${role}.magnitude`] as const,
  ),
] as const;

/**
 * Metrics that compare a candidate with another version. Localities and `canaries_kept` are fractions of answers that stayed as
 * they were; `delta_norm` is the largest change of any matrix, ||delta||_F / ||W||_F; `perplexity_ratio` is candidate over other.
 */
export const comparisonMetrics = [
  'locality',
  'locality_neighbourhood',
  'locality_other_relations',
  'delta_norm',
  'perplexity_ratio',
  'canaries_kept',
  ...inReadings(['locality']),
  ...inReadings(localityKinds.map((kind) => `locality.${kind}` as const)),
] as const;

/**
 * Metrics of the work on each edit: `edit_norm` is the norm of what an edit added to a matrix over that of the matrix, divided by
 * the root of the number of edits that share the delta; `edit_norm_z` is its robust z-score among the branch's earlier edits.
 */
export const workMetrics = ['edit_norm', 'edit_norm_z'] as const;

export const gateMetrics = [...levelMetrics, ...comparisonMetrics, ...workMetrics] as const;
export type GateMetric = (typeof gateMetrics)[number];

/** Metrics that no edit has by itself. */
const ofTheWhole: readonly GateMetric[] = [
  'perplexity',
  'ngram_entropy',
  'delta_norm',
  'perplexity_ratio',
  'canaries_kept',
];

export const gateReferences = ['absolute', 'parent', 'base'] as const;
export type GateReference = (typeof gateReferences)[number];

/** What a rule looks at: a metric, where it is not the usual one with what it is held against. */
export type GateReading = GateMetric | `${GateMetric}@${'parent' | 'base'}`;

const isLevel = (metric: string): boolean => levelMetrics.some((level) => level === metric);
const isWork = (metric: GateMetric): boolean => workMetrics.some((work) => work === metric);

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
    if (against !== undefined && isWork(metric)) complain('against', `${metric} is held against nothing`);
    if (against === 'absolute' && !isLevel(metric) && !isWork(metric))
      complain('against', `${metric} compares two versions: it is held against parent or base`);
    if (each === true && ofTheWhole.includes(metric)) complain('each', `${metric} is not measured for each edit`);
  });
export type GateRule = z.output<typeof gateRuleSchema>;

/** The reading that a rule bounds. */
export function readingOf({ metric, against }: Pick<GateRule, 'metric' | 'against'>): GateReading {
  const usual = isLevel(metric) ? 'absolute' : 'parent';
  return against === undefined || against === 'absolute' || against === usual ? metric : `${metric}@${against}`;
}

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
/** A gate as it is judged by: as it was checked, or as it was stored by whichever build. */
export type JudgedPolicy = GatePolicy & {
  readonly not_understood?: readonly z.output<typeof notUnderstoodSchema>[] | undefined;
};

/** A rule on a metric that a batch has no probes for does not apply; it is reported as such, not as passed. */
export const defaultGatePolicy: GatePolicy = {
  rules: [
    { metric: 'reliability', min: 0.7 },
    { metric: 'locality', min: 0.7 },
    { metric: 'perplexity_ratio', max: 1.5 },
    { metric: 'edit_norm_z', max: 8 },
  ],
};

/** The rules of a policy, with the one that canaries imply. */
export function rulesOf({ rules, canaries = [] }: GatePolicy): readonly GateRule[] {
  const implied = canaries.length > 0 && rules.every(({ metric }) => metric !== 'canaries_kept');
  return implied ? [...rules, { metric: 'canaries_kept', min: 1 }] : rules;
}

/** Whether a policy looks at answers held against their rivals, which are asked about only on demand. */
export const looksAtRivals = (policy: GatePolicy): boolean =>
  policy.rules.some(({ metric }) => /^(efficacy|paraphrase|neighbourhood)\./.test(metric));

/** Whether a policy looks at a metric, or at anything held against a version. */
export const looksAt = (policy: GatePolicy, what: { metric?: GateMetric; against?: GateReference }): boolean =>
  rulesOf(policy).some(
    ({ metric, against }) =>
      (what.metric === undefined || metric === what.metric) && (what.against === undefined || against === what.against),
  );

export const canaryResultSchema = z.strictObject({
  prompt: z.string(),
  expected: z.string(),
  answer: z.string(),
  kept: z.boolean(),
});
export type CanaryResult = z.output<typeof canaryResultSchema>;

export type GateValues = Readonly<Partial<Record<GateReading, number>>>;

/** What was measured on a candidate. What was not is absent. */
export interface GateMeasurements {
  readonly values: GateValues;
  /** Each edit by its own probes. */
  readonly edits?: readonly { readonly custom_id: string; readonly values: GateValues }[];
  readonly canaries?: readonly CanaryResult[];
}

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

/**
 * Judges what was measured by a policy. A value that is not finite fails every rule on it, and what of a stored policy is not
 * understood fails.
 */
export function judge(policy: JudgedPolicy, { values, edits = [], canaries }: GateMeasurements): GateVerdict {
  const unjudged = (policy.not_understood ?? []).map(
    ({ name, why }): GateFinding => ({ metric: name, value: null, outcome: 'failed', reason: why }),
  );
  const judged = rulesOf(policy).map((rule): GateFinding => {
    const reading = readingOf(rule);
    const { each, ...bounds } = rule;
    const perEdit = each === true || isWork(rule.metric);
    const own = edits.flatMap((edit) => {
      const value = edit.values[reading];
      return value === undefined ? [] : [{ custom_id: edit.custom_id, value }];
    });
    if (!perEdit || own.length === 0) {
      const value = each === true ? undefined : values[reading];
      const finding = { ...bounds, ...(each === undefined ? {} : { each }) };
      if (value === undefined) return { ...finding, value: null, outcome: 'not_applicable' };
      return { ...finding, value: finite(value), outcome: within(rule, value) ? 'passed' : 'failed' };
    }
    const worst = own.reduce((a, b) => (excess(rule, b.value) > excess(rule, a.value) ? b : a));
    const failing = own.filter(({ value }) => !within(rule, value)).map(({ custom_id }) => custom_id);
    return {
      ...bounds,
      each: true,
      value: finite(worst.value),
      outcome: failing.length > 0 ? 'failed' : 'passed',
      ...(failing.length > 0 ? { custom_ids: failing } : {}),
    };
  });
  const findings = [...unjudged, ...judged];
  const passed = findings.every(({ outcome }) => outcome !== 'failed');
  return { passed, findings, ...(canaries === undefined ? {} : { canaries: [...canaries] }) };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const within = ({ min = -Infinity, max = Infinity }: GateRule, value: number): boolean =>
  Number.isFinite(value) && value >= min && value <= max;

/** How far a value is beyond a rule's bounds; below 0 where it is inside. */
const excess = ({ min = -Infinity, max = Infinity }: GateRule, value: number): number =>
  Number.isFinite(value) ? Math.max(min - value, value - max) : Infinity;

/** A finding for people: `locality against the base is 0.5123, and must be at least 0.7`. */
export function describeFinding(finding: GateFinding): string {
  const { metric, against, each, min, max, value, reason, custom_ids = [] } = finding;
  if (reason !== undefined) return `${metric} cannot be judged: ${reason}`;
  const subject =
    against === undefined || against === 'absolute'
      ? metric
      : isLevel(metric)
        ? `the change of ${metric} since the ${against}`
        : `${metric} against the ${against}`;
  const measured = value === null ? 'not finite' : Number(value.toPrecision(4));
  const bounds = [...(min === undefined ? [] : [`at least ${min}`]), ...(max === undefined ? [] : [`at most ${max}`])];
  const more = custom_ids.length > 5 ? ', ...' : '';
  const named = custom_ids.length === 0 ? '' : ` (${custom_ids.slice(0, 5).join(', ')}${more})`;
  return `${subject} is ${measured}${each === true ? ' at its worst' : ''}, and must be ${bounds.join(' and ')}${named}`;
}

/** Whether a verdict is a refusal for nothing but what this build could not judge. */
export const isUnjudged = ({ findings }: GateVerdict): boolean => {
  const failed = findings.filter(({ outcome }) => outcome === 'failed');
  return failed.length > 0 && failed.every(({ reason }) => reason !== undefined);
};

/** Why a verdict is a refusal, a sentence for each failed finding and each canary that changed its answer; none when it passed. */
export function reasonsOf({ findings, canaries = [] }: GateVerdict): readonly string[] {
  const failed = findings.filter(({ outcome }) => outcome === 'failed');
  const broken = failed.some(({ metric }) => metric === 'canaries_kept') ? canaries.filter(({ kept }) => !kept) : [];
  return [
    ...failed.map(describeFinding),
    ...broken
      .slice(0, 5)
      .map(
        ({ prompt, expected, answer }) =>
          `${JSON.stringify(prompt)} is answered ${JSON.stringify(answer)}, and must stay ${JSON.stringify(expected)}`,
      ),
  ];
}
