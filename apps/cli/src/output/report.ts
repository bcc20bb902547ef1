// What an evaluation prints for people: the report's tables, and where the page is.
import { join } from 'node:path';
import type { Report, ReportTable } from '@errata/evaluation';
import colors from 'picocolors';

/** Prints the tables of a report without intervals, failures, and what it cost. */
export async function printReport(report: Report, directory: string | undefined): Promise<void> {
  const { comparableRuns, formatNumber, leadsOf, metricTables, withoutGaps } = await import('@errata/evaluation');
  const isAhead = leadsOf(report);
  for (const runs of comparableRuns(report.runs)) {
    console.log(`\n${colors.bold(`${runs[0]!.labels.model}, ${runs[0]!.labels.data}`)}`);
    for (const found of metricTables(runs, isAhead)) {
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

const gap = '  ';

/** Two lines of headings: what columns have in common, and short names under it. */
function plainTable({ columns, rows }: ReportTable, format: Format): string {
  const sections = rows.some(({ section }) => section !== undefined);
  const names = rows.map(({ name, section }) => [...(sections ? [section ?? ''] : []), name]);
  const figures = rows.map(({ cells }) =>
    cells.map((cell, column) => (cell === null ? '-' : format(cell.value, columns[column]!.format))),
  );
  const longest = (list: readonly string[]) => Math.max(0, ...list.map((text) => text.length));
  const nameWidths = (names[0] ?? []).map((_, at) => longest(names.map((line) => line[at]!)));
  const titles = columns.map(({ title, short = title }) => short);
  const widths = titles.map((title, at) => longest([title, ...figures.map((line) => line[at]!)]));
  const groups: { readonly title: string; width: number }[] = [];
  for (const [at, { group = '' }] of columns.entries()) {
    const last = groups.at(-1);
    if (at > 0 && group === (columns[at - 1]!.group ?? '')) last!.width += gap.length + widths[at]!;
    else groups.push({ title: group, width: widths[at]! });
    // A heading that is longer than its columns widens the last of them.
    const isLast = group !== (columns[at + 1]?.group ?? '') || at + 1 === columns.length;
    const missing = isLast ? group.length - groups.at(-1)!.width : 0;
    if (missing <= 0) continue;
    widths[at]! += missing;
    groups.at(-1)!.width += missing;
  }
  const indent = nameWidths.map((width) => ''.padEnd(width));
  const line = (heads: readonly string[], rest: readonly string[]) => [...heads, ...rest].join(gap).trimEnd();
  const padded = (texts: readonly string[]) => texts.map((text, at) => text.padStart(widths[at]!));
  return [
    ...(groups.some(({ title }) => title !== '')
      ? [
          colors.dim(
            line(
              indent,
              groups.map(({ title, width }) => title.padEnd(width)),
            ),
          ),
        ]
      : []),
    colors.bold(line(indent, padded(titles))),
    ...names.map((heads, row) =>
      line(
        heads.map((text, at) => text.padEnd(nameWidths[at]!)),
        padded(figures[row]!),
      ),
    ),
  ].join('\n');
}
