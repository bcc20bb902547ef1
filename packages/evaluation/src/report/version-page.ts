// The report of an evaluation of one version against another, as one page that needs nothing else: what broke comes first.
import {
  type CaseResult,
  type EvaluationOutcome,
  type EvaluationSummary,
  type MetricMean,
  metricCatalogue,
  type Regression,
  retentionOf,
} from '@errata/contracts';
import { type Html, html, lineChart, raw, retentionChart } from '../charts/index.ts';
import { formatOf } from './figures.ts';
import { pageStyle } from './page-style.ts';
import { type Cell, type Column, type Row, tableHtml, withoutGaps } from './table.ts';

export interface VersionReport {
  /** What people call the model, and the branch where one was named. */
  readonly model: string;
  readonly branch: string | null;
  readonly version: string;
  readonly against: { readonly kind: 'parent' | 'base' | 'version'; readonly version: string };
  /** What was asked about, in words. */
  readonly suite: string;
  /** Whether the results are those of all edits of the version, in the order in which they were made. */
  readonly allEdits: boolean;
  readonly summary: EvaluationSummary;
  readonly outcome: EvaluationOutcome;
  readonly results: readonly CaseResult[];
}

const shownCases = 24;
const shownAnswers = 60;
const shownFailures = 40;

export function versionPage(report: VersionReport): string {
  const { results, outcome } = report;
  const title = `${report.model}${report.branch === null ? '' : `@${report.branch}`} at ${short(report.version)}`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${raw(pageStyle)}</style></head><body><main>
<header><h1>${title}</h1><p class="lede">${comparedWith(report)} · ${report.suite}, ${many(results.length, 'case')} · ${outcome.changed.toLocaleString('en-US')} of ${outcome.measured.toLocaleString('en-US')} answers changed</p></header>
${answersTable(report)}${retentionSection(report)}${otherTable(report)}${brokenSection(results)}${changedSection(results)}${failureSection(results)}${factsSection(report)}
<footer>Written by Errata. What each metric is, with its source: docs/metrics.md.</footer>
</main></body></html>
`;
  return page.html;
}

const short = (version: string) => version.slice(0, 16);
const many = (count: number, what: string) => `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;

function comparedWith({ version, against }: VersionReport): string {
  if (against.version === version) return 'against itself';
  const whom = { parent: 'the version it was made from', base: 'the imported model', version: 'another version' };
  return `against ${short(against.version)}, ${whom[against.kind]}`;
}

const cell = (estimate: { readonly value: number; readonly interval: MetricMean['interval'] } | null): Cell | null =>
  estimate === null ? null : { value: estimate.value, ...estimate.interval };

const named = (metric: string) => metricCatalogue.get(metric)?.title ?? metric;

const readings = [
  ['token', 'the answer given, by token'],
  ['exact', 'free generation'],
] as const;

/** A row a metric: before, after and the change, read in two ways. */
function answersTable({ outcome: { metrics }, against }: VersionReport): Html | null {
  const stems = [...new Set(Object.keys(metrics).flatMap((metric) => /^(.+)\.token$/.exec(metric)?.[1] ?? []))]
    // Against the imported model there is one locality, not two.
    .filter((stem) => against.kind !== 'base' || !stem.startsWith('locality_base'));
  const columns = readings.flatMap(([, group]): Column[] => [
    { group, title: 'before', format: 'share' },
    { group, title: 'now', format: 'share' },
    { group, title: 'change', format: 'points', about: 'the mean difference, case by case' },
  ]);
  const rows = stems.map((stem): Row => {
    const cells = readings.flatMap(([reading]) => {
      const mean = metrics[`${stem}.${reading}`];
      if (mean === undefined) return [null, null, null];
      // Where there is a change, it is the change whose interval matters.
      return mean.before === null
        ? [null, cell(mean), null]
        : [{ value: mean.before.value }, { value: mean.value }, cell(mean.delta)];
    });
    const { cases = 0 } = metrics[`${stem}.token`] ?? {};
    return {
      name: `${named(`${stem}.token`)
        .replace(/, by token$/, '')
        .replaceAll('_', ' ')} (${cases})`,
      cells,
    };
  });
  const note =
    'Times a hundred, means over the cases that have such probes (their number in brackets). Locality compares the two versions with each other, so it has no before. Small figures are 95 % bootstrap intervals over cases.';
  const table = withoutGaps({ title: 'Answers', note, columns, rows });
  return table === undefined ? null : tableHtml(table);
}

/** Which of the edits of the version hold, by when they were made. */
function retentionSection({ allEdits, results }: VersionReport): Html | null {
  if (!allEdits) return null;
  const found = ({ measures }: CaseResult, metric: string) =>
    measures.find((measure) => measure.metric === metric)?.value ?? null;
  const { edits, held, slices } = retentionOf(
    results.map((result) => {
      const [exact, token] = [found(result, 'reliability.exact'), found(result, 'reliability.token')];
      return result.outcome !== 'measured' || (exact ?? token) === null ? null : { exact, token };
    }),
  );
  if (slices.length < 2) return null;
  return html`<section><h2>What holds of all its edits</h2><p class="note">${held.toLocaleString('en-US')} of ${many(edits, 'edit')} hold: the answer, generated freely, is the one that was asked for. Bands are 95 % intervals by Wilson.</p><div class="charts">${lineChart(retentionChart(slices))}</div></section>`;
}

/** Everything that is not read in several ways: probabilities, texts, and the versions themselves. */
function otherTable({ outcome, summary }: VersionReport): Html | null {
  const { metrics, run_metrics } = outcome;
  const rows: Row[] = [
    ...Object.entries(metrics)
      .filter(([metric]) => !/\.(token|all|exact)$/.test(metric))
      .map(([metric, mean]) => ({
        name: `${named(metric)} (${mean.cases})`,
        format: formatOf(metric),
        cells: [cell(mean.before), cell(mean), cell(mean.delta)],
      })),
    ...Object.entries(run_metrics).map(([metric, value]) => ({
      name: named(metric),
      format: formatOf(metric),
      cells: [null, cell(value), null],
    })),
  ];
  if (summary.perplexity !== null) {
    const { parent, candidate } = summary.perplexity;
    rows.push({
      name: 'Perplexity of held text',
      cells: [parent, candidate, candidate - parent].map((value) => ({ value })),
    });
  }
  if (summary.delta_norm !== null) {
    const cells = [null, { value: summary.delta_norm }, null];
    rows.push({ name: 'Largest relative change of a matrix', format: 'ratio', cells });
  }
  const columns = ['before', 'now', 'change'].map((title): Column => ({ title, format: 'number' }));
  const note = 'Fractions, probabilities and entropies times a hundred.';
  const table = withoutGaps({ title: 'Probabilities, text and weights', note, columns, rows });
  return table === undefined ? null : tableHtml(table);
}

const kindOf = (metric: string) => metric.replaceAll('_', ' ').replace('.', ': ');

function said(result: CaseResult, good: boolean): Html {
  return html`<dl class="said">${result.target === null ? null : html`<dt>wanted</dt><dd>${result.target}</dd>`}<dt>before</dt><dd>${result.answer_before || '(nothing)'}</dd><dt>now</dt><dd class="${good ? '' : 'bad'}">${result.answer_after || '(nothing)'}</dd></dl>`;
}

const broke = ({ metric, prompt, before, after }: Regression): Html =>
  html`<div class="broke"><div class="what">${kindOf(metric)}</div>${prompt}<br><s>${before || '(nothing)'}</s> <span class="bad">${after || '(nothing)'}</span></div>`;

function brokenSection(results: readonly CaseResult[]): Html | null {
  const found = results
    .filter(({ regressions }) => regressions.length > 0)
    .sort((a, b) => b.regressions.length - a.regressions.length || a.position - b.position);
  if (found.length === 0) return null;
  const more =
    found.length > shownCases
      ? html`<p class="note">and ${many(found.length - shownCases, 'case')} more, in the rows</p>`
      : null;
  return html`<section><h2>What broke: ${many(found.length, 'case')}</h2><p class="note">Probes that were answered rightly before and are not now, or that are no longer answered as they were; at most three of a case.</p>
<div class="cases">${found.slice(0, shownCases).map((result) => {
    const own = result.regressions.find(({ prompt }) => prompt === result.prompt);
    return html`<article class="case"><div class="id">${result.custom_id}</div><p class="prompt">${result.prompt}</p>${said(result, own === undefined)}${result.regressions.filter((each) => each !== own).map(broke)}</article>`;
  })}</div>${more}</section>`;
}

function changedSection(results: readonly CaseResult[]): Html | null {
  const found = results.filter(({ changed }) => changed);
  if (found.length === 0) return null;
  return html`<section><h2>Answers that changed</h2><details${found.length <= 12 ? raw(' open') : null}><summary>${many(found.length, 'answer')}</summary><div class="scroll"><table><thead><tr><th>case</th><th>prompt</th><th>before</th><th>now</th></tr></thead><tbody>${found
    .slice(0, shownAnswers)
    .map(
      ({ custom_id, prompt, answer_before, answer_after }) =>
        html`<tr><th scope="row">${custom_id}</th><td>${prompt}</td><td>${answer_before || '(nothing)'}</td><td>${answer_after || '(nothing)'}</td></tr>`,
    )}</tbody></table></div>${found.length > shownAnswers ? html`<p class="note">and ${found.length - shownAnswers} more, in the rows</p>` : null}</details></section>`;
}

function failureSection(results: readonly CaseResult[]): Html | null {
  const found = results.filter(({ outcome }) => outcome === 'failed');
  if (found.length === 0) return null;
  return html`<section><h2>Failed cases</h2><p class="note">Cases that could not be asked; they have no figures and count in no mean.</p>
<div class="scroll"><table><thead><tr><th>case</th><th>why</th></tr></thead><tbody>${found
    .slice(0, shownFailures)
    .map(
      ({ custom_id, error }) => html`<tr><th scope="row">${custom_id}</th><td>${error?.message ?? ''}</td></tr>`,
    )}</tbody></table></div>${found.length > shownFailures ? html`<p class="note">and ${found.length - shownFailures} more, in the rows</p>` : null}</section>`;
}

function factsSection({ version, against, outcome, summary }: VersionReport): Html {
  const facts = [
    ['version', version],
    ['against', against.version],
    ['results', outcome.digest],
    ['edits measured', `${summary.measured} of ${summary.edits}`],
    ['time', `${summary.seconds.evaluate.toFixed(1)} s, all shards together`],
  ];
  return html`<section><h2>What was measured</h2><p class="note">The digest is over all rows, whoever found them: equal results have equal digests.</p>
<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd><code>${value}</code></dd>`)}</dl></section>`;
}
