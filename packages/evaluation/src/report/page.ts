// A report as one page that needs nothing else: tables, curves, costs, the worst cases, what was run.

import { type Html, html, lineChart, metricCharts, raw } from '../charts/index.ts';
import type { RunManifest } from '../protocols/run-directory.ts';
import type { Lead } from './compared.ts';
import { comparedSection } from './compared-section.ts';
import { curvedRun } from './curved-run.ts';
import { definitionsSection } from './definitions.ts';
import { type IsAhead, metricTables } from './metric-tables.ts';
import { outcomeLines } from './outcome-lines.ts';
import { pageStyle } from './page-style.ts';
import type { Report } from './report.ts';
import { comparableRuns, type ReportRun } from './runs.ts';
import { tableHtml, withoutGaps } from './table.ts';
import type { WorstCase } from './worst-cases.ts';

export function reportPage(report: Report): string {
  const groups = comparableRuns(report.runs);
  const isAhead = leadsOf(report);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${report.title}</title><style>${raw(pageStyle)}</style></head><body><main>
<header><h1>${report.title}</h1><p class="lede">${groups.length === 1 ? ledeOf(groups[0]!) : `${report.runs.length} runs`}</p>${groups.length === 1 ? outcomeLines(report.runs) : null}</header>
${groups.map(
  (runs) =>
    html`<section>${groups.length === 1 ? null : html`<h2 class="group-title">${runs[0]!.labels.model} · ${runs[0]!.labels.data}</h2><p class="lede">${ledeOf(runs)}</p>${outcomeLines(runs)}`}${resultsOf(runs, isAhead)}</section>`,
)}
${comparedSection(report.compared, (run) => nameOf(report.runs[run]!, report.runs))}${worstSection(report.runs)}${failureSection(report.runs)}${configurationSection(report.runs)}${definitionsSection(report.runs)}
<footer>Written by Errata from the rows beside this page (rows.csv, report.json).</footer>
</main></body></html>
`;
  return page.html;
}

/** Whether a report says that a run leads in a figure. */
export function leadsOf({ runs, leads }: Report): IsAhead {
  const key = (run: number, { metric, moment, edits }: Pick<Lead, 'metric' | 'moment' | 'edits'>) =>
    JSON.stringify([run, metric, moment, moment === 'once' ? null : edits]);
  const known = new Set(leads.map((lead) => key(lead.run, lead)));
  return (run, metric, at) => known.has(key(runs.indexOf(run), { metric, ...at }));
}

const many = (count: number, what: string) => `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;

function ledeOf(runs: readonly ReportRun[]): string {
  const { manifest, labels, contradicting } = runs[0]!;
  const { data } = manifest;
  const records =
    data.cases === data.edits
      ? many(data.edits, 'edit')
      : `${many(data.cases, 'case')} with ${many(data.edits, 'edit')}`;
  const left = data.rejected === 0 ? '' : ` (${many(data.rejected, 'record')} of the file cannot be used)`;
  const clash =
    contradicting === 0 ? '' : `, of which ${contradicting} contradict each other and cannot all hold in one model`;
  return `${labels.model} · ${labels.data}, ${records}${left}${clash} · ${protocolOf(runs)} · seed ${manifest.seed}`;
}

function protocolOf(runs: readonly ReportRun[]): string {
  const { editor, protocol } = runs[0]!.manifest;
  if (editor === 'none') return 'the model as it is';
  if (protocol.kind === 'single') return 'each edit alone on the unedited model';
  if (protocol.kind === 'batch') {
    const sizes = [
      ...new Set(runs.map(({ manifest }) => (manifest.protocol.kind === 'batch' ? manifest.protocol.size : 0))),
    ];
    return `batches of ${sizes.join(', ')}, each on the unedited model`;
  }
  if (protocol.kind === 'efficiency') return 'costs, edits in sequence on one model';
  return protocol.batch === 1
    ? 'all edits in sequence on one model'
    : `all edits in sequence, ${protocol.batch} at a time`;
}

function resultsOf(runs: readonly ReportRun[], isAhead: IsAhead): Html {
  const [first, ...others] = metricTables(runs, isAhead).flatMap((table) => withoutGaps(table) ?? []);
  const charts = metricCharts(runs.filter(({ manifest }) => manifest.editor !== 'none').map(curvedRun));
  return html`${first && tableHtml(first)}${
    charts.length === 0
      ? null
      : html`<section><h2>Against the number of edits</h2><p class="note">At every checkpoint all edits made so far are asked again. Bands are 95 % bootstrap intervals over cases.</p><div class="charts">${charts.map(lineChart)}</div></section>`
  }${others.map(tableHtml)}`;
}

const kindOf = (metric: string) => metric.replaceAll('_', ' ').replace('.', ': ');

function worstCase({ case_id, prompt, target, answer_before, answer_after, holds, regressions }: WorstCase): Html {
  return html`<article class="case"><div class="id">${case_id}</div><p class="prompt">${prompt}</p>
<dl class="said"><dt>wanted</dt><dd>${target}</dd><dt>before</dt><dd>${answer_before || '(nothing)'}</dd><dt>after</dt><dd class="${holds ? 'good' : 'bad'}">${answer_after || '(nothing)'}</dd></dl>
${regressions.map(
  (each) =>
    html`<div class="broke"><div class="what">${kindOf(each.metric)}</div>${each.prompt}<br><s>${each.before || '(nothing)'}</s> <span class="bad">${each.after || '(nothing)'}</span></div>`,
)}</article>`;
}

function worstSection(runs: readonly ReportRun[]): Html | null {
  const found = runs.filter(({ worst, manifest }) => worst.length > 0 && manifest.editor !== 'none');
  if (found.length === 0) return null;
  // Whole rows of three, two or one.
  const each = found.length === 1 ? 6 : 3;
  return html`<section><h2>Worst cases</h2><p class="note">Those that broke most come first, then those whose edit does not hold. Below each: probes that were answered rightly before and are not now, or that are no longer answered as they were.</p>
${found.map((run) => html`${found.length === 1 ? null : html`<h3>${nameOf(run, runs)}</h3>`}<div class="cases">${run.worst.slice(0, each).map(worstCase)}</div>`)}</section>`;
}

/** With the number of edits where one name stands for several runs. */
function nameOf({ labels, manifest: { protocol } }: ReportRun, runs: readonly ReportRun[]): string {
  const alone = runs.filter((run) => run.labels.name === labels.name).length === 1;
  if (alone) return labels.name;
  return protocol.kind === 'batch' ? `${labels.name}, batches of ${protocol.size}` : `${labels.name}, ${labels.data}`;
}

const shownFailures = 20;

function failureSection(runs: readonly ReportRun[]): Html | null {
  const found = runs.filter(({ failures }) => failures.length > 0);
  if (found.length === 0) return null;
  return html`<section><h2>Failed cases</h2><p class="note">An edit that could not be made is asked about all the same, of the model without it, and counts in every mean. A case that could not be asked about has no figures.</p>
${found.map(
  (run) =>
    html`<details${found.length === 1 ? raw(' open') : null}><summary>${nameOf(run, runs)}: ${run.failures.length.toLocaleString('en-US')}</summary><div class="scroll"><table><thead><tr><th>case</th><th>edits</th><th>why</th></tr></thead><tbody>${run.failures
      .slice(0, shownFailures)
      .map(
        ({ case_id, edits, error }) =>
          html`<tr><th scope="row">${case_id}</th><td>${edits}</td><td>${error?.message ?? ''}</td></tr>`,
      )}</tbody></table></div>${run.failures.length > shownFailures ? html`<p class="note">and ${run.failures.length - shownFailures} more, in report.json</p>` : null}</details>`,
)}</section>`;
}

function factsOf({ run, results, manifest }: ReportRun): readonly (readonly [string, string])[] {
  const { metrics, model, data, seed, held_text, writers, ability, questions }: RunManifest = manifest;
  return [
    ['results', results],
    ['run', run],
    ['metrics', metrics],
    ['model', model],
    ['data', `${data.digest} (${many(data.cases, 'case')}, ${many(data.edits, 'edit')})`],
    ['held text', held_text ?? 'none'],
    ['texts of', `the first ${many(writers, 'case')} at most`],
    ...ability.map(({ task, digest, items }) => [`ability: ${task}`, `${digest} (${many(items, 'item')})`] as const),
    ...(questions ? [['questions', `${questions.digest} (${many(questions.items, 'question')})`] as const] : []),
    ['seed', String(seed)],
  ];
}

function configurationSection(runs: readonly ReportRun[]): Html {
  return html`<section><h2>What was run</h2><p class="note">Equal digests are equal contents. Equal runs give equal results on one build and machine, however often they were stopped and resumed.</p>
${runs.map(
  (run) => html`<details${runs.length === 1 ? raw(' open') : null}><summary>${nameOf(run, runs)}</summary>
<dl class="facts">${factsOf(run).map(([name, value]) => html`<dt>${name}</dt><dd><code>${value}</code></dd>`)}</dl>
<pre>${JSON.stringify({ editor: run.manifest.editor, protocol: run.manifest.protocol, config: run.manifest.config }, null, 2)}</pre></details>`,
)}</section>`;
}
