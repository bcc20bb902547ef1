// What an evaluation measured, case by case: rows that are stored, merged from shards in any order, and named by one digest.

import { z } from 'zod';
import { sha256Of } from '#platform';
import { ErrataError } from '../errors.ts';
import { canonicalJson } from '../text/canonical.ts';

/**
 * When in a protocol a case was measured: right after its own edit (`once`), at a checkpoint along the stream (`curve`), or
 * after all edits (`end`).
 */
export const moments = ['once', 'curve', 'end'] as const;
export type Moment = (typeof moments)[number];

/** Name of a metric in the catalogue of packages/evaluation: words of lower-case letters, joined by dots. */
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

const caseKey = ({ moment, edits, case_id }: EvaluationCase): string => JSON.stringify([moment, edits, case_id]);
const rowKey = ({ moment, edits, case_id, metric, version }: EvaluationRow): string =>
  JSON.stringify([moment, edits, case_id, metric, version]);

/**
 * Shards put together in canonical order, whatever the order they come in. What two shards agree on, as after a shard was
 * run again, counts once.
 * @throws ErrataError `results_conflict` when two shards give one row or case different contents
 */
export function mergeResults(shards: Iterable<EvaluationResults>): EvaluationResults {
  const cases = new Map<string, EvaluationCase>();
  const rows = new Map<string, EvaluationRow>();
  for (const shard of shards) {
    for (const each of shard.cases) keep(cases, caseKey(each), each);
    for (const each of shard.rows) keep(rows, rowKey(each), each);
  }
  return { cases: inOrder(cases), rows: inOrder(rows) };
}

function keep<T extends EvaluationCase | EvaluationRow>(kept: Map<string, T>, key: string, value: T): void {
  const known = kept.get(key);
  if (known !== undefined && known !== value && canonicalJson(known) !== canonicalJson(value))
    throw new ErrataError('results_conflict', `two shards disagree on ${key}`, {
      details: { one: known, other: value },
    });
  kept.set(key, value);
}

/** By the code units of their keys, which no locale changes. */
const inOrder = <T>(kept: ReadonlyMap<string, T>): readonly T[] =>
  [...kept].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);

/** Results as canonical JSON lines in canonical order: cases, then rows, each line under its kind. */
export function* resultLines(results: EvaluationResults): Generator<string> {
  const { cases, rows } = mergeResults([results]);
  for (const each of cases) yield canonicalJson({ case: each });
  for (const each of rows) yield canonicalJson({ row: each });
}

/** sha256 (hex) of {@link resultLines}: equal for equal results, in whatever order and by how many workers they were found. */
export const resultsDigest = (results: EvaluationResults): string => sha256Of(linesWithEnds(results));

function* linesWithEnds(results: EvaluationResults): Generator<string> {
  for (const line of resultLines(results)) yield `${line}\n`;
}
