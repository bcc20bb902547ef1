// What edits and answers cost, as tables.
import { costMetrics } from '../statistics/cost-metrics.ts';
import { columnOf } from './figures.ts';
import type { ReportRun } from './runs.ts';
import { type Column, countEdits, type Row, type Table } from './table.ts';

export function costTable(runs: readonly ReportRun[]): Table {
  const columns: readonly (Column & { readonly metric: string })[] = [
    { ...columnOf('cost.edit_seconds'), group: 'an edit', title: 'Time' },
    { ...columnOf('cost.stored_bytes'), group: 'an edit', title: 'Stored' },
    { ...columnOf('cost.answer_seconds'), group: 'an answer', title: 'Time' },
    { ...columnOf('cost.answer_tokens'), group: 'an answer', title: 'Tokens' },
    { group: 'the run', title: 'Edits', metric: 'edits', format: 'count' },
    { group: 'the run', title: 'Answers', metric: 'answers', format: 'count' },
    { group: 'the run', title: 'Editing', metric: 'edit_seconds', format: 'seconds' },
    { group: 'the run', title: 'Asking', metric: 'answer_seconds', format: 'seconds' },
    { ...columnOf('cost.peak_memory'), group: 'the run', title: 'Peak memory', short: 'Peak' },
  ];
  return {
    title: 'Cost',
    note: 'Measured on the machine at hand, answers in batches; what came out of a cache is not counted. Costs take no part in digests.',
    columns,
    rows: runs.map(({ labels, cost }) => {
      const found: Readonly<Record<string, number | undefined>> = { ...cost, ...costMetrics(cost) };
      return {
        name: labels.name,
        cells: columns.map(({ metric }) => {
          const value = found[metric];
          return value === undefined ? null : { value: metric === 'cost.answer_tokens' ? Math.round(value) : value };
        }),
      };
    }),
  };
}

/** What edits and answers cost as edits pile up. */
export function efficiencyTable(runs: readonly ReportRun[]): Table {
  const columns: readonly Column[] = [
    { group: 'an edit', title: 'Time', format: 'seconds', better: 'lower' },
    { group: 'an edit', title: 'Stored', format: 'bytes', better: 'lower' },
    { group: 'an answer', title: 'Time', format: 'seconds', better: 'lower' },
    { group: 'an answer', title: 'Unedited', short: 'Base', format: 'seconds' },
    { group: 'an answer', title: 'Times as long', short: 'Ratio', format: 'number', better: 'lower' },
  ];
  const alone = runs.length === 1;
  const counts = [...new Set(runs.flatMap(({ efficiency }) => efficiency.map(({ edits }) => edits)))];
  const rows = counts
    .sort((a, b) => a - b)
    .flatMap((edits) =>
      runs.flatMap(({ labels, efficiency }): Row[] => {
        const step = efficiency.find((each) => each.edits === edits);
        if (step === undefined) return [];
        const { edit_seconds, stored_bytes, answer_seconds, base_answer_seconds } = step;
        const values = [
          edit_seconds,
          stored_bytes,
          answer_seconds,
          base_answer_seconds,
          answer_seconds / base_answer_seconds,
        ];
        const when = `after ${countEdits(edits)}`;
        return [
          {
            name: alone ? when : labels.name,
            ...(!alone && { section: when }),
            cells: values.map((value) => ({ value })),
          },
        ];
      }),
    );
  return {
    title: 'Efficiency',
    note: 'Edits in sequence; answers one at a time, without batches, the edited and the unedited model by turns.',
    columns,
    rows,
  };
}
