// How evaluations and searches are shown to people.
import {
  type CaseResult,
  type EvaluationOutcome,
  type GivenAnswer,
  type MetricMean,
  quotedOf,
} from '@errata/contracts';
import colors from 'picocolors';
import { type ReadRow, readingsTable } from './metrics-table.ts';
import { oneLine, table } from './output.ts';

/** Means by metric: those that are read in three ways in one table, the others in a second. */
export function meansTable({ metrics, run_metrics }: Pick<EvaluationOutcome, 'metrics' | 'run_metrics'>): string {
  const stems = [...new Set(Object.keys(metrics).flatMap((metric) => /^(.+)\.token$/.exec(metric)?.[1] ?? []))];
  const inReadings = stems.map((stem): ReadRow => {
    const read = (of: (mean: MetricMean | undefined) => number | undefined) => ({
      token: of(metrics[`${stem}.token`]),
      all: of(metrics[`${stem}.all`]),
      exact: of(metrics[`${stem}.exact`]),
    });
    const before = read((mean) => mean?.before?.value);
    return [stem, metrics[`${stem}.token`]?.probes ?? 0, before, read((mean) => mean?.value)];
  });
  const number = (value: number | null) => (value === null ? '-' : Number(value.toPrecision(4)).toString());
  const others: (string | number)[][] = Object.entries(metrics)
    .filter(([metric]) => !/\.(token|all|exact)$/.test(metric))
    .map(([metric, { probes, before, value }]) => [metric, probes, number(before?.value ?? null), number(value)]);
  for (const [metric, { value }] of Object.entries(run_metrics)) others.push([metric, '', '-', number(value)]);
  const tables = [
    ...(inReadings.length === 0 ? [] : [readingsTable(inReadings)]),
    ...(others.length === 0 ? [] : [table(['metric', 'probes', 'before', 'after'], others)]),
  ];
  return tables.join('\n\n');
}

/** What became of a case's own answer: whether it was right before and is so now; null where nothing in particular is expected. */
function turn({ measures }: CaseResult): 'broken' | 'mended' | null {
  const right = quotedOf(measures);
  if (right === undefined || right.before === right.value) return null;
  return right.value < (right.before ?? 0) ? 'broken' : 'mended';
}

/** Cases whose answer changed, those that were right and no longer are first. */
export function changedLines(changed: readonly CaseResult[], most = 20): string {
  const rank = { broken: 0, mended: 2 };
  const order = (result: CaseResult) => {
    const turned = turn(result);
    return turned === null ? 1 : rank[turned];
  };
  const sorted = [...changed].sort((a, b) => order(a) - order(b) || a.position - b.position);
  const lines = sorted.slice(0, most).map((result) => {
    const turned = turn(result);
    const mark =
      turned === 'broken' ? colors.red('broken ') : turned === 'mended' ? colors.green('mended ') : 'changed';
    return `${mark} ${result.custom_id}: ${oneLine(result.prompt)} ${JSON.stringify(result.answer_before)} -> ${JSON.stringify(result.answer_after)}`;
  });
  if (sorted.length > most) lines.push(colors.dim(`and ${sorted.length - most} more`));
  return lines.join('\n');
}

export const quoted = ({ answer }: Pick<GivenAnswer, 'answer'>): string => JSON.stringify(answer);
