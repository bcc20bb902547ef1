// A run in a report: summed up, under the names that people give things, with the cases that fared worst.
import type { EvaluationCase, EvaluationRow } from '@errata/contracts';
import { inOnePlace, type PlaceCount, type RunFindings, type RunSummary, summarise } from './summary.ts';
import { type WorstCase, worstCases } from './worst-cases.ts';

/** What people call the things whose digests a manifest has. */
export interface RunLabels {
  /** The row's name in tables: the editor, and what sets it apart from others of that name. */
  readonly name: string;
  readonly model: string;
  readonly data: string;
}

export interface ReportRun extends RunSummary {
  readonly labels: RunLabels;
  /** Of the last place. */
  readonly worst: readonly WorstCase[];
}

/** A run with the rows by which it is compared with others: those of one figure in one place. */
export interface RunWithRows {
  readonly run: ReportRun;
  readonly rows: readonly EvaluationRow[];
}

/** Two rows of cards on a desk. */
const worstOfRun = 6;

/** A run summed up, with its worst cases. */
export function reportRun(labels: RunLabels, findings: RunFindings): RunWithRows {
  const summary = summarise(findings);
  const last = lastPlace(summary);
  const anywhere = last?.moment === 'once' || findings.manifest.protocol.kind === 'batch';
  const there = (each: Pick<EvaluationCase, 'moment' | 'edits'>) =>
    each.moment === last?.moment && (anywhere || each.edits === last.edits);
  const worst = worstCases(findings.cases.filter(there), findings.rows.filter(there), worstOfRun);
  return { run: { labels, ...summary, worst }, rows: inOnePlace(findings.manifest, findings.rows) };
}

/** Where a protocol ends. */
export const lastPlace = ({ places }: RunSummary): PlaceCount | undefined => places.at(-1);

/** Runs whose figures may stand in one table: of one model, on the same data, under one kind of protocol. */
export function comparableRuns(runs: readonly ReportRun[]): readonly (readonly ReportRun[])[] {
  const groups = new Map<string, ReportRun[]>();
  for (const run of runs) {
    const { model, data, protocol, editor } = run.manifest;
    const key = JSON.stringify([model, data.digest, editor === 'none' ? null : protocol.kind]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()];
}
