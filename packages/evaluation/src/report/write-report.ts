// A report's files: report.json, rows.csv, and index.html, which needs neither them nor a network.
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { csvLines } from './csv.ts';
import { reportPage } from './page.ts';
import { makeReport, type Report, type RunLabels } from './report.ts';
import { readFindings } from './summary.ts';

/** A run that is to be reported, and what people call it. */
export interface ReportedRun {
  readonly directory: string;
  readonly labels: RunLabels;
}

/** Reads runs from their directories and writes the report of them into another, or into theirs. */
export async function writeReport(folder: string, title: string, runs: readonly ReportedRun[]): Promise<Report> {
  const read = [];
  for (const { directory, labels } of runs) read.push({ labels, findings: await readFindings(directory) });
  const report = makeReport(title, read);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(folder, 'index.html'), reportPage(report));
  const lines = csvLines(read.map(({ labels, findings: { rows } }) => ({ run: labels.name, rows })));
  await pipeline(Readable.from(lines), createWriteStream(join(folder, 'rows.csv')));
  return report;
}
