// The table of an evaluation: three ways to read an answer, before and after.
import { type EvaluationSummary, type MeanScore, type ReadingKind, readings } from '@errata/contracts';
import { percent, table } from './output.ts';

const headings: Readonly<Record<ReadingKind, string>> = { token: 'token', all: 'all', exact: 'generated' };

type Read = Readonly<Record<ReadingKind, number | undefined>>;

/** What was measured, over how many probes, in each reading before (null for a comparison) and after. */
export type ReadRow = readonly [name: string, probes: number, before: Read | null, after: Read];

export const readingsTable = (rows: readonly ReadRow[]): string =>
  table(
    ['metric', 'probes', ...readings.flatMap((reading) => [`${headings[reading]}: before`, 'after'])],
    rows.map(([name, probes, before, after]) => [
      name,
      probes,
      ...readings.flatMap((reading) => [percent(before?.[reading]), percent(after[reading])]),
    ]),
  );

/** Reliability, generalization, locality and portability: by token, all tokens, and by free generation. */
export function metricsTable(summary: EvaluationSummary): string {
  const rows: ReadRow[] = [];
  const push = (name: string, before: MeanScore | null, after: MeanScore) =>
    rows.push([name, after.count, before, after]);
  push('reliability', summary.reliability.before, summary.reliability.after);
  if (summary.generalization !== null)
    push('generalization', summary.generalization.before, summary.generalization.after);
  if (summary.locality !== null) push('locality', null, summary.locality);
  for (const [kind, score] of Object.entries(summary.locality_by_kind)) push(`  ${kind}`, null, score);
  for (const [kind, score] of Object.entries(summary.portability_by_kind))
    push(`portability ${kind}`, score.before, score.after);
  return readingsTable(rows);
}

/** What the evaluation cost and how far the weights moved. */
export function costLine(summary: EvaluationSummary): string {
  const { applied, already_holds: held, measured, edits } = summary;
  const parts = [
    `${applied} of ${edits} edits${held > 0 ? `, ${held} held already` : ''}`,
    ...(measured < applied + held ? [`${measured} measured`] : []),
    `${(summary.seconds.edit / Math.max(1, applied)).toFixed(2)} s an edit`,
    `${summary.seconds.evaluate.toFixed(1)} s to evaluate`,
  ];
  if (summary.delta_norm !== null) parts.push(`largest ||delta||/||W|| ${summary.delta_norm.toFixed(3)}`);
  if (summary.perplexity !== null)
    parts.push(`perplexity ${summary.perplexity.parent.toFixed(2)} -> ${summary.perplexity.candidate.toFixed(2)}`);
  return parts.join(', ');
}
