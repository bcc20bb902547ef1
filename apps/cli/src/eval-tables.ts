// What an evaluation prints for people: the report's tables, and where the page is.
import { join } from 'node:path';
import type { Report, ReportTable } from '@errata/evaluation';
import colors from 'picocolors';
import { table } from './output.ts';

/** Prints the tables of a report without intervals, failures, and what it cost. */
export async function printReport(report: Report, directory: string | undefined): Promise<void> {
  const { comparableRuns, formatNumber, metricTables, withoutGaps } = await import('@errata/evaluation');
  for (const runs of comparableRuns(report.runs)) {
    console.log(`\n${colors.bold(`${runs[0]!.labels.model}, ${runs[0]!.labels.data}`)}`);
    for (const found of metricTables(runs)) {
      const kept = withoutGaps(found);
      if (kept !== undefined) console.log(`\n${kept.title}\n${plainTable(kept, formatNumber)}`);
    }
  }
  for (const { labels, failures } of report.runs)
    for (const { case_id, error } of failures.slice(0, 10))
      console.log(`${labels.name}, ${case_id}: ${error?.message}`);
  if (directory !== undefined) console.log(`\nThe report is ${join(directory, 'index.html')}`);
}

type Format = typeof import('@errata/evaluation').formatNumber;

function plainTable({ columns, rows }: ReportTable, format: Format): string {
  // Columns of one name are told apart by the heading they stand under.
  const titles = columns.map(({ title, group }) =>
    columns.some((other) => other.title === title && other.group !== group) ? `${title}, ${group}` : title,
  );
  const sections = rows.some(({ section }) => section !== undefined);
  return table(
    [...(sections ? ['when'] : []), '', ...titles],
    rows.map(({ name, section, cells }) => [
      ...(sections ? [section ?? ''] : []),
      name,
      ...cells.map((cell, column) => (cell === null ? '-' : format(cell.value, columns[column]!.format))),
    ]),
  );
}
