// Comparisons: two evaluations held against each other case by case, what got worse first.
import { z } from 'zod';
import { estimateSchema } from './evaluations.ts';
import { metadataSchema, nameOrIdSchema } from './resource-parts.ts';
import { jobStates } from './states.ts';

export const comparisonRequestSchema = z
  .strictObject({
    /** Evaluations that are done. Cases meet by their ids: two evaluations of one suite share all of them. */
    one: nameOrIdSchema,
    other: nameOrIdSchema,
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'ComparisonRequest' });
export type ComparisonRequest = z.input<typeof comparisonRequestSchema>;

const caseValuesSchema = z.strictObject({ case_id: z.string(), one: z.number(), other: z.number() });

/** Cases named at most, of each metric and each direction; all are counted. */
export const comparedCasesShown = 20;

/** One metric in both, over the cases that both measured. */
export const metricComparisonSchema = z.strictObject({
  metric: z.string(),
  version: z.int(),
  cases: z.int(),
  one: estimateSchema.nullable(),
  other: estimateSchema.nullable(),
  /** The mean of `other - one`, case by case: its interval is narrower than what the other two suggest. */
  difference: estimateSchema.nullable(),
  /** Cases in which the other is better, worse and equal, in the metric's direction. */
  wins: z.int(),
  losses: z.int(),
  ties: z.int(),
  /** The worst first, and the best first. */
  regressions: z.array(caseValuesSchema),
  improvements: z.array(caseValuesSchema),
  /** Cases that only one of the two measured. */
  only_in_one: z.int(),
  only_in_other: z.int(),
});
export type MetricComparison = z.output<typeof metricComparisonSchema>;

export const comparisonResultSchema = z.strictObject({
  /** Ordered by how surely the other is worse. */
  metrics: z.array(metricComparisonSchema),
  /** Cases that the two versions answer differently, those that were right in the first and are not in the other first. */
  answers: z.array(
    z.strictObject({
      case_id: z.string(),
      prompt: z.string(),
      target: z.string().nullable(),
      one: z.string(),
      other: z.string(),
      turned: z.enum(['broken', 'changed', 'mended']),
    }),
  ),
  answers_differing: z.int(),
  answers_compared: z.int(),
});
export type ComparisonResult = z.output<typeof comparisonResultSchema>;

export const comparisonSchema = z
  .strictObject({
    /** That of its job. */
    id: z.string(),
    object: z.literal('comparison'),
    state: z.enum(jobStates),
    one: z.string(),
    other: z.string(),
    result: comparisonResultSchema.nullable(),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    created_at: z.iso.datetime(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Comparison' });
export type ComparisonResource = z.output<typeof comparisonSchema>;
