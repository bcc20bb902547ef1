// Results of shards put together: in one order and under one digest, however they were found.
import { sha256Of } from '#platform';
import { ErrataError } from '../errors.ts';
import { canonicalJson } from '../text/canonical.ts';
import type { EvaluationCase, EvaluationResults, EvaluationRow } from '../wire/evaluation-rows.ts';

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
