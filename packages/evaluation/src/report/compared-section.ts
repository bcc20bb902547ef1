// Runs against the first of their kind, as a section of a page: what is surely worse comes first.
import { metricCatalogue } from '@errata/contracts';
import { type Html, html, raw } from '../charts/index.ts';
import type { MetricDifference, RunComparison } from './compared.ts';
import { formatOf } from './figures.ts';
import { type Column, formatNumber, gridHtml, type Row } from './table.ts';

const titleOf = (metric: string) => metricCatalogue.get(metric)?.title ?? metric;

/** -1 where the whole interval of the difference is on the worse side, 1 on the better, 0 where it holds 0. */
function surely({ metric, difference }: MetricDifference): -1 | 0 | 1 {
  const ends = difference?.interval;
  if (!ends || (ends.low <= 0 && ends.high >= 0)) return 0;
  return ends.high > 0 === (metricCatalogue.get(metric)?.better === 'higher') ? 1 : -1;
}

function differences(first: string, other: string, metrics: readonly MetricDifference[]) {
  const columns: readonly Column[] = [
    { title: first, format: 'number' },
    { title: other, format: 'number' },
    { title: 'Difference', format: 'number', about: 'the mean difference, case by case' },
    { group: 'cases', title: 'Worse', format: 'count' },
    { group: 'cases', title: 'Better', format: 'count' },
    { group: 'cases', title: 'Equal', format: 'count' },
  ];
  const rows = metrics.map((each): Row => {
    const value = (cell: MetricDifference['one']) => (cell === null ? null : { value: cell.value, ...cell.interval });
    return {
      name: titleOf(each.metric),
      format: formatOf(each.metric),
      cells: [
        each.one && { value: each.one.value },
        each.other && { value: each.other.value },
        value(each.difference),
        ...[each.losses, each.wins, each.ties].map((count) => ({ value: count, format: 'count' as const })),
      ],
    };
  });
  return gridHtml({ title: '', columns, rows });
}

/** The cases that lost most in a metric, with their figures. */
const lostMost = ({ metric, worst }: MetricDifference) =>
  worst
    .map(({ case_id, one, other }) => {
      const format = formatOf(metric);
      return `${case_id} (${formatNumber(one, format)} to ${formatNumber(other, format)})`;
    })
    .join(', ');

/** Nothing where no run has another to be held against. */
export function comparedSection(compared: readonly RunComparison[], nameOf: (run: number) => string): Html | null {
  if (compared.length === 0) return null;
  return html`<section><h2>Compared</h2><p class="note">Each run against the first, at the end of the protocol, over the cases that both measured. Differences are taken case by case, with 95 % bootstrap intervals; what is surely worse comes first.</p>
${compared.map(({ first, other, metrics }) => {
  const [one, two] = [nameOf(first), nameOf(other)];
  const [worse, better] = ([-1, 1] as const).map((side) => metrics.filter((each) => surely(each) === side).length);
  const [worst] = metrics;
  return html`<details${compared.length <= 2 ? raw(' open') : null}><summary>${two} against ${one}: surely worse in ${worse} of ${metrics.length} metrics, surely better in ${better}</summary>
${differences(one, two, metrics)}${worst === undefined || worst.worst.length === 0 ? null : html`<p class="note">Lost most of ${titleOf(worst.metric)}: ${lostMost(worst)}</p>`}</details>`;
})}</section>`;
}
