// What an evaluation measured, case by case, in rows that are stored.
import { z } from 'zod';

/**
 * When in a protocol a case was measured: right after its own edit (`once`), at a checkpoint along the stream (`curve`), or
 * after all edits (`end`).
 */
export const moments = ['once', 'curve', 'end'] as const;
export type Moment = (typeof moments)[number];

/** Name of a metric in the catalogue: words of lower-case letters, joined by dots. */
export const metricIdSchema = z.string().regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/);

const place = {
  /** The edit's `custom_id`, the record's id in its data set, or the name of a text. */
  case_id: z.string().min(1),
  moment: z.enum(moments),
  /** Edits in the model that was measured: 1 in the single protocol, the batch's size, the position in the stream. */
  edits: z.int().min(0),
};

/** One metric of one case: the mean over the case's probes, on the version evaluated and on the one it is compared with. */
export const evaluationRowSchema = z.strictObject({
  ...place,
  metric: metricIdSchema,
  /** Of the metric's definition: numbers under different versions are not to be compared. */
  version: z.int().min(1),
  /** In the metric's unit; the mean over `count` probes. */
  value: z.number(),
  /** The same of the parent; null where the metric is itself a comparison, as agreement is, or was not measured there. */
  before: z.number().nullable(),
  /** Probes of this case behind the value. */
  count: z.int().min(1),
});
export type EvaluationRow = z.output<typeof evaluationRowSchema>;

/** A probe that an edit broke, with what the parent and the candidate said. */
export const regressionSchema = z.strictObject({
  /** What the probe is for: a metric's name without its reading. */
  metric: metricIdSchema,
  prompt: z.string(),
  /** The answer wanted; null where only agreement with the parent is. */
  target: z.string().nullable(),
  before: z.string(),
  after: z.string(),
});
export type Regression = z.output<typeof regressionSchema>;

/** What became of a case, and its text for people: a case that failed is reported, never dropped. */
export const evaluationCaseSchema = z.strictObject({
  ...place,
  outcome: z.enum(['measured', 'failed']),
  /** Why it failed; null where it was measured. */
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  prompt: z.string(),
  target: z.string(),
  /** Greedy answers of parent and candidate, to the end of their first sentence; null where they were not asked. */
  answer_before: z.string().nullable(),
  answer_after: z.string().nullable(),
  /** The worst of what the edit broke; absent where it broke nothing. */
  regressions: z.array(regressionSchema).readonly().optional(),
});
export type EvaluationCase = z.output<typeof evaluationCaseSchema>;

/** All of an evaluation, or a shard of it. Times and other costs are kept apart: they differ from run to run. */
export const evaluationResultsSchema = z.strictObject({
  cases: z.array(evaluationCaseSchema),
  rows: z.array(evaluationRowSchema),
});
export interface EvaluationResults {
  readonly cases: readonly EvaluationCase[];
  readonly rows: readonly EvaluationRow[];
}
