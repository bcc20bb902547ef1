// What the metrics of a report are, at its foot: the page is sent to people who have no documentation beside it.
import { metricCatalogue, readingTitles } from '@errata/contracts';
import { type Html, html } from '../charts/index.ts';
import type { ReportRun } from './runs.ts';

/** Readings of a metric share its definition. */
const stemTitle = (title: string): string =>
  Object.values(readingTitles).reduce((left, reading) => left.replace(new RegExp(`, ${reading}$`), ''), title);

export function definitionsSection(runs: readonly ReportRun[]): Html {
  const used = new Set(
    runs.flatMap(({ means, run_metrics }) => [...means, ...run_metrics].map(({ metric }) => metric)),
  );
  const entries = new Map<string, { readonly title: string; readonly ids: string[]; readonly source: string }>();
  for (const { id, version, title, definition, source } of metricCatalogue.values()) {
    if (!used.has(id)) continue;
    const entry = entries.get(definition) ?? { title: stemTitle(title), ids: [], source };
    entry.ids.push(version === 1 ? id : `${id} (version ${version})`);
    entries.set(definition, entry);
  }
  return html`<section><h2>What is measured</h2><details><summary>Definitions of the ${used.size} metrics on this page</summary>
<dl class="definitions">${[...entries].map(
    ([definition, { title, ids, source }]) =>
      html`<dt>${title} <code>${ids.join(', ')}</code></dt><dd>${definition} <span class="source">${source}</span></dd>`,
  )}</dl></details></section>`;
}
