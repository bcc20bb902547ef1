// The page of a causal tracing: where clean states bring answers back, as heat maps, and the layer that this speaks for.
import { type TracingSummary, tracingSummarySchema } from '@errata/editors';
import { heatMap, html, raw, tracingMaps } from '../charts/index.ts';
import { pageStyle } from './page-style.ts';

/** The layers that editors take by default, by editor. */
export type DefaultLayers = readonly { readonly editor: string; readonly layers: readonly number[] }[];

export interface TracingReport extends TracingSummary {
  /** What people call the model. */
  readonly model: string;
  /** Where they are known. */
  readonly defaults?: DefaultLayers;
}

/** What an artefact's details tell of a tracing; undefined for one that is none. */
export const tracingSummary = (details: unknown): TracingSummary | undefined =>
  tracingSummarySchema.safeParse(details).data;

const count = (n: number, what: string) => `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`;

export function tracingPage(report: TracingReport): string {
  const { model, facts, unknown, unusable, clean, corrupted, runs, noise, recommended } = report;
  const { maps, greatest } = tracingMaps(report);
  const title = `Causal tracing of ${model}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${raw(pageStyle)}</style></head><body><main>
<header><h1>${title}</h1><p class="lede">${count(facts, 'fact')} that the model knows; ${unknown.toLocaleString('en-US')} it answers otherwise, ${unusable.toLocaleString('en-US')} could not be used</p></header>
<p>With noise on the subject (${noise} deviations of its embeddings, ${count(runs, 'run')} a fact) the mean probability of the answer falls from ${clean.toFixed(3)} to ${corrupted.toFixed(3)}. Then one clean state is put back. Colour is by how much the probability comes back, ${greatest.toFixed(3)} at full strength; below zero it is the other colour.</p>
<section class="charts">${maps.map(heatMap)}</section>
<h2>The layer that this speaks for</h2>
<p>MLPs at the last token of the subject bring back most at layer <strong>${recommended.layer}</strong>: ${recommended.effect.toFixed(3)}. Of a thousand resamples of the facts ${(100 * recommended.sureness).toFixed(0)} % put it there or one layer away. Where a fact is looked up need not be where it is edited best: try both.</p>
${report.defaults === undefined ? '' : defaultsTable(report.defaults)}
<footer>Written by Errata, after Meng et al. 2022, Locating and Editing Factual Associations in GPT, section 2.1.</footer>
</main></body></html>
`.html;
}

function defaultsTable(defaults: DefaultLayers) {
  return html`<table><thead><tr><th>editor</th><th>layers by default</th></tr></thead><tbody>${defaults.map(
    ({ editor, layers }) => html`<tr><th>${editor}</th><td>${layers.join(', ')}</td></tr>`,
  )}</tbody></table>`;
}
