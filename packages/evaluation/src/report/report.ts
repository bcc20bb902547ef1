// A report: one run or several of a kind, summed up and held against each other. Plain data, written as report.json.
import { compareWithFirst, type Lead, leadsAmong, type RunComparison } from './compared.ts';
import type { ReportRun, RunWithRows } from './runs.ts';

export interface Report {
  readonly format: 'errata-report/1';
  readonly title: string;
  readonly runs: readonly ReportRun[];
  /** Runs of one protocol against the first of them. */
  readonly compared: readonly RunComparison[];
  /** Figures in which one run is ahead of all others beyond chance. */
  readonly leads: readonly Lead[];
}

export const makeReport = (title: string, found: readonly RunWithRows[]): Report => ({
  format: 'errata-report/1',
  title,
  runs: found.map(({ run }) => run),
  compared: compareWithFirst(found),
  leads: leadsAmong(found),
});
