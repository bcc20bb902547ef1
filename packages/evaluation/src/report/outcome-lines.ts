// The outcome of a report in a line a run: what holds, what follows, what was left as it was, and whether the model still reads.

import { type Html, html } from '../charts/index.ts';
import { figure, figureBefore } from './figures.ts';
import { lastPlace, type ReportRun } from './runs.ts';
import { countEdits, type Format, formatNumber } from './table.ts';

const shares = [
  ['reliability.exact', 'of the edits hold'],
  ['generalization.exact', 'of their rephrases'],
  ['locality.exact', 'of what lies near is as it was'],
] as const;

function lineOf(run: ReportRun, name: string): Html | null {
  const at = lastPlace(run);
  if (at === undefined) return null;
  const say = (metric: string, format: Format) => {
    const found = figure(run, metric, at);
    return found === null ? undefined : formatNumber(found.value, format);
  };
  const parts = shares.flatMap(([metric, what]) => {
    const value = say(metric, 'share');
    return value === undefined ? [] : [`${value} % ${what}`];
  });
  const perplexity = say('perplexity', 'number');
  const before = figureBefore(run, 'perplexity', at);
  if (perplexity !== undefined)
    parts.push(`perplexity ${perplexity}${before === null ? '' : `, was ${formatNumber(before.value, 'number')}`}`);
  if (parts.length === 0) return null;
  const { protocol } = run.manifest;
  const when =
    protocol.kind === 'lifelong'
      ? `after ${countEdits(at.edits)}`
      : protocol.kind === 'single'
        ? 'after each edit'
        : `after batches of ${countEdits(at.edits)}`;
  return html`<li><b>${name}</b> ${when}: ${parts.join(' · ')}</li>`;
}

/** By free generation, at the last place of each run; nothing where no run was edited. */
export function outcomeLines(runs: readonly ReportRun[]): Html | null {
  const lines = runs.flatMap((run) => (run.manifest.editor === 'none' ? [] : (lineOf(run, run.labels.name) ?? [])));
  return lines.length === 0 ? null : html`<ul class="verdict">${lines}</ul>`;
}
