// A report: one run or several of a kind, summed up, with the cases that fared worst. Plain data, written as report.json.
import type { EvaluationCase } from '@errata/contracts';
import { type PlaceCount, type RunFindings, type RunSummary, summarise } from './summary.ts';
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

export interface Report {
  readonly format: 'errata-report/1';
  readonly title: string;
  readonly runs: readonly ReportRun[];
}

const worstOfRun = 8;

export const makeReport = (title: string, runs: readonly ReportRun[]): Report => ({
  format: 'errata-report/1',
  title,
  runs,
});

/** A run summed up, with its worst cases. */
export function reportRun(labels: RunLabels, findings: RunFindings): ReportRun {
  const summary = summarise(findings);
  const last = lastPlace(summary);
  const anywhere = last?.moment === 'once' || findings.manifest.protocol.kind === 'batch';
  const there = (each: Pick<EvaluationCase, 'moment' | 'edits'>) =>
    each.moment === last?.moment && (anywhere || each.edits === last.edits);
  const worst = worstCases(findings.cases.filter(there), findings.rows.filter(there), worstOfRun);
  return { labels, ...summary, worst };
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
