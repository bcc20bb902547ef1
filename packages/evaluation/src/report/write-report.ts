// A report's files: report.json, rows.csv, and index.html, which needs neither them nor a network.
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { csvHead, csvLines } from './csv.ts';
import { reportPage } from './page.ts';
import { makeReport, type Report } from './report.ts';
import { type RunLabels, type RunWithRows, reportRun } from './runs.ts';
import { readFindings } from './summary.ts';

/** A run that is to be reported, and what people call it. */
export interface ReportedRun {
  readonly directory: string;
  readonly labels: RunLabels;
}

/** Reads runs from their directories, one after another, and writes the report of them into another, or into theirs. */
export async function writeReport(folder: string, title: string, runs: readonly ReportedRun[]): Promise<Report> {
  await mkdir(folder, { recursive: true });
  const read: RunWithRows[] = [];
  async function* lines() {
    yield csvHead;
    for (const { directory, labels } of runs) {
      const findings = await readFindings(directory);
      read.push(reportRun(labels, findings));
      yield* csvLines(labels.name, findings.rows);
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(join(folder, 'rows.csv')));
  const report = makeReport(title, read);
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(folder, 'index.html'), reportPage(report));
  return report;
}
