// Looking figures up in a run's summary: a metric at a place.

import type { PlaceCount, RunSummary } from './summary.ts';
import type { Cell } from './table.ts';

type Figures = Pick<RunSummary, 'means' | 'run_metrics'>;
export type At = Pick<PlaceCount, 'moment' | 'edits'>;

/** A metric's mean or a run's metric at a place, with its interval; null where it was not measured. */
export function figure({ means, run_metrics }: Figures, metric: string, { moment, edits }: At): Cell | null {
  const here = (each: At) => each.moment === moment && (moment === 'once' || each.edits === edits);
  // What is said of a stream as a whole is said of no place in it.
  const anywhere = metric.startsWith('stream.');
  const found = [...means, ...run_metrics].find((each) => each.metric === metric && (anywhere || here(each)));
  if (found === undefined) return null;
  const { value, interval } = found.value;
  return interval === null ? { value } : { value, ...interval };
}

/** The same of the parent. */
export function figureBefore({ means }: Figures, metric: string, { moment, edits }: At): Cell | null {
  const here = (each: At) => each.moment === moment && (moment === 'once' || each.edits === edits);
  const before = means.find((each) => each.metric === metric && here(each))?.before;
  if (before == null) return null;
  const { value, interval } = before;
  return interval === null ? { value } : { value, ...interval };
}
