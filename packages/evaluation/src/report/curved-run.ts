// A run of a report as its curves are drawn: what was found at each place of its protocol.
import type { ChartPoint, CurvedRun } from '../charts/index.ts';
import { figure, figureBefore } from './figures.ts';
import type { ReportRun } from './runs.ts';

export const curvedRun = (run: ReportRun): CurvedRun => ({
  name: run.labels.name,
  metrics: run.means.map(({ metric }) => metric),
  points: (metric) =>
    run.places.flatMap((place): readonly ChartPoint[] => {
      const found = place.moment === 'once' ? null : figure(run, metric, place);
      if (found === null) return [];
      const { value, low, high } = found;
      return [{ x: place.edits, y: value, ...(low !== undefined && high !== undefined && { low, high }) }];
    }),
  before: (metric) => {
    for (const place of [...run.places].reverse()) {
      const before = place.moment === 'once' ? null : figureBefore(run, metric, place);
      if (before !== null) return before.value;
    }
    return undefined;
  },
});
