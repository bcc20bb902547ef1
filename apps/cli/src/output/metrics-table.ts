// The table of an evaluation: three ways to read an answer, before and after.
import type { EvaluationSummary, MeanScore } from '@errata/contracts';
import { percent, table } from './output.ts';

/** Reliability, generalization, locality and portability: by token, all tokens, and by free generation. */
export function metricsTable(summary: EvaluationSummary): string {
  const rows: (string | number)[][] = [];
  const push = (name: string, before: MeanScore | null, after: MeanScore) => {
    const pair = (key: 'token' | 'all' | 'exact') => [
      before === null ? '-' : percent(before[key]),
      percent(after[key]),
    ];
    rows.push([name, after.count, ...pair('token'), ...pair('all'), ...pair('exact')]);
  };
  push('reliability', summary.reliability.before, summary.reliability.after);
  if (summary.generalization !== null)
    push('generalization', summary.generalization.before, summary.generalization.after);
  if (summary.locality !== null) push('locality', null, summary.locality);
  for (const [kind, score] of Object.entries(summary.locality_by_kind)) push(`  ${kind}`, null, score);
  for (const [kind, score] of Object.entries(summary.portability_by_kind))
    push(`portability ${kind}`, score.before, score.after);
  return table(
    ['metric', 'probes', 'token: before', 'after', 'all: before', 'after', 'generated: before', 'after'],
    rows,
  );
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
