// Looking figures up in a run's summary, a metric at a place, and how the catalogue has them printed.
import { type MetricUnit, metric, metricCatalogue } from '@errata/contracts';
import type { Aggregate } from '../statistics/aggregate.ts';
import type { Estimate } from '../statistics/bootstrap.ts';
import type { PlaceCount, RunSummary } from './summary.ts';
import type { Cell, Column, Format } from './table.ts';

type Figures = Pick<RunSummary, 'means' | 'run_metrics'>;
export type At = Pick<PlaceCount, 'moment' | 'edits'>;

/** A metric's mean or a run's metric at a place, with its interval; null where it was not measured. */
export function figure({ means, run_metrics }: Figures, id: string, { moment, edits }: At): Cell | null {
  const here = (each: At) => each.moment === moment && (moment === 'once' || each.edits === edits);
  // What is said of a stream as a whole is said of no place in it.
  const anywhere = id.startsWith('stream.');
  const found = [...means, ...run_metrics].find((each) => each.metric === id && (anywhere || here(each)));
  return cellOf(found?.value);
}

/** The same of the parent. */
export const figureBefore = (figures: Figures, metric: string, at: At): Cell | null =>
  cellOf(meanAt(figures, metric, at)?.before);

/** The mean difference to the parent, case by case. */
export const figureChange = (figures: Figures, metric: string, at: At): Cell | null =>
  cellOf(meanAt(figures, metric, at)?.delta);

/** Cases behind a mean; 0 of what was not measured. */
export const casesBehind = (figures: Figures, metric: string, at: At): number =>
  meanAt(figures, metric, at)?.cases ?? 0;

const meanAt = ({ means }: Figures, metric: string, { moment, edits }: At): Aggregate | undefined =>
  means.find((each) => each.metric === metric && each.moment === moment && (moment === 'once' || each.edits === edits));

const cellOf = (estimate: Estimate | null | undefined): Cell | null =>
  estimate == null ? null : { value: estimate.value, ...estimate.interval };

const formats: Readonly<Record<MetricUnit, Format>> = {
  fraction: 'share',
  'probability difference': 'points',
  ratio: 'number',
  bits: 'entropy',
  perplexity: 'number',
  seconds: 'seconds',
  tokens: 'count',
  probes: 'number',
  bytes: 'bytes',
  'standard deviations': 'number',
};

/** How a metric's numbers are printed, by its unit; plainly where the catalogue does not know the metric. */
export function formatOf(id: string): Format {
  const known = metricCatalogue.get(id);
  return known === undefined ? 'number' : formats[known.unit];
}

/** What a column has from the metric in it. */
export const columnOf = (id: string): Pick<Column, 'format' | 'better'> & { readonly metric: string } => ({
  metric: id,
  format: formatOf(id),
  better: metric(id).better,
});
